"""What an unpacked archive says of itself, so that drift is seen without the archive. Only data."""

from __future__ import annotations

from guru_policy.model import Carried

LISTING = ".guru-archive"               # the file in the unpacked folder that holds the Listing
MOST_FILES = 20_000


class Listing(Carried):
    """`files` is SHA-256 in hex by path inside the folder; `made_from` tells the archive and how it was unpacked."""

    made_from: str
    files: dict[str, str]
