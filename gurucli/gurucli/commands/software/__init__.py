"""Verbs about software."""
