"""Live SQL on this device: tables that are made while they are read, in a process of their own. It only looks."""
