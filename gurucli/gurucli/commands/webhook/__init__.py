"""Webhooks: how they go, what they were sent, one more try."""
