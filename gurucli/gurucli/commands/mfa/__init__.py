"""Verbs about the second factor."""
