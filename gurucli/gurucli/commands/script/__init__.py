"""Verbs about command templates."""
