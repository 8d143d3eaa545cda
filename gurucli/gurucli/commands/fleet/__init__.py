"""Verbs about the fleet repository and what is in force."""
