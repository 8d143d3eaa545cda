"""Verbs about jobs: `guru run` and `guru job`."""
