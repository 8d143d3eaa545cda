"""Verbs about maintenance windows that people open by hand."""
