"""Verbs about overrides."""
