"""Verbs about short words for longer command lines."""
