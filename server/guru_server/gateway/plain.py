"""The language's way to make a device's text safe, under the name the server knows it by. It adds nothing."""

from guru_policy.text.flattening import plain

__all__ = ["plain"]
