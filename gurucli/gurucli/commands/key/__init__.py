"""Verbs about API keys."""
