"""Bounds of the agent link, for programs that carry frames and have no models. It imports nothing."""

MAX_FRAME = 1 << 20                     # bytes of one frame, either way
