"""Who may sign what, as one revision of the repository and the server say. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from guru_policy.commit_signing import Mode, Signing
from guru_policy.path_pattern import EVERYTHING, covers

SHOWN = 3                               # paths in a message


@dataclass(frozen=True)
class Trusted:
    """The owner of a key, and the paths that what it signs may change."""

    name: str
    paths: tuple[str, ...] = (EVERYTHING,)

    @property
    def everything(self) -> bool:
        """Whether it may change every path."""
        return EVERYTHING in self.paths

    def trespasses(self, changed: Iterable[str]) -> tuple[str, ...]:
        """The changed paths that are not among its own, sorted."""
        return () if self.everything else tuple(sorted(path for path in changed if not covers(self.paths, path)))


@dataclass(frozen=True)
class Pinned:
    """What the server's own settings say: the least mode, and keys that may sign everything."""

    mode: Mode = "none"
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trust:
    """Owners by public key. `mode` is what the repository asks for itself."""

    owners: Mapping[str, Trusted] = field(default_factory=dict)
    mode: Mode = "none"

    def owner(self, fingerprint: str, fingerprints: Mapping[str, str]) -> Trusted | None:
        """Whose key it is; `fingerprints` by key."""
        return next((one for key, one in self.owners.items() if fingerprints.get(key) == fingerprint), None)


def trust(pinned: Pinned, signing: Signing | None) -> Trust:
    """Pinned keys, and those of a revision; a key that is pinned stays good for everything."""
    owners: dict[str, Trusted] = {}
    for name, signer in (signing.signers if signing else {}).items():
        owners |= {key: Trusted(name, signer.paths) for key in signer.keys}
    owners |= {key: Trusted("root") for key in pinned.keys}
    return Trust(owners, signing.mode if signing else "none")
