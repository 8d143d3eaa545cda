"""Verbs of `guru secrets`, one file each. Nothing is imported before it is asked for."""
