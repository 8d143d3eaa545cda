"""Verbs about OAuth clients."""
