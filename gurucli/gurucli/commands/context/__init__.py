"""Verbs about the servers a person knows."""
