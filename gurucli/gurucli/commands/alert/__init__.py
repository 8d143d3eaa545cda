"""Verbs about alerts."""
