"""Foreign configurations read as objects of a fleet repository. They are shown first, and written on demand only."""
