"""A whole GuruRMM on loopback, in one folder: Git remote, server, agents, inbox. For the demo and tests only."""
