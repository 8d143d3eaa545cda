"""Verbs about devices."""
