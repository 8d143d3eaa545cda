"""Verbs about how devices join."""
