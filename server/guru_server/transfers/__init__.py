"""Transfers: files of any size, in chunks, between people and devices."""
