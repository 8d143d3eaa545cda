"""Verbs about VPN profiles."""
