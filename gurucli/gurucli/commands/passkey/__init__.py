"""Verbs about passkeys."""
