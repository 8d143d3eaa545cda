"""Verbs about acts that wait for a second person."""
