"""The version of the whole product: the four distributables share it. It imports nothing."""

VERSION = "0.1.0"
