"""What Tactical RMM's API answers, saved as JSON, read as objects of a fleet repository. It asks no server."""
