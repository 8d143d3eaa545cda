"""Verbs that ask devices in SQL."""
