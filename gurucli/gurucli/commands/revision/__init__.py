"""Verbs about commits the server saw."""
