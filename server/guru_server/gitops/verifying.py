"""Whether the commits up to a tip may come into force: signatures, and who may change which paths.

Keys are those of the last revision in force and those that the server pins, so a commit never vouches for
itself. From one checked commit to the next the keys are those of the commit before. Pinned keys sign all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Literal, NamedTuple

from guru_policy.commit_signing import Mode, Signing, stricter
from guru_policy.errors import Refused, Unsupported
from guru_policy.kinds.fleet import FleetSpec
from guru_policy.loading import load
from guru_policy.tree import Entry, Tree
from guru_server.gitops.command import one_line
from guru_server.gitops.history import SEAL, History, Signed
from guru_server.gitops.keyring import Keyring, keyring
from guru_server.gitops.mirror import Mirror
from guru_server.gitops.trust import SHOWN, Pinned, Trust, Trusted, trust

Checked = Literal["unchecked", "verified", "refused"]
MAX_TRUSTS = 300                        # commits of one push that change who may sign


class Verdict(NamedTuple):
    """What became of a tip. `signer` vouches for it; `reason` says why it is refused."""

    checked: Checked
    signer: str = ""
    reason: str = ""


UNCHECKED = Verdict("unchecked")


class Base(NamedTuple):
    """The newest revision in force, and who signed for it; empty when it was not checked."""

    revision: str
    signer: str


class Verifier:
    """Judges tips of one mirror."""

    def __init__(self, mirror: Mirror, pinned: Pinned) -> None:
        self._mirror, self._pinned, self._history = mirror, pinned, History(mirror)

    async def verify(self, tip: str, base: Base | None) -> Verdict:
        """Judge what `tip` brings since `base`; with None, `tip` is the first revision ever."""
        if base is not None and base.revision == tip:
            return Verdict("verified", base.signer) if base.signer else UNCHECKED
        known = None
        if base is not None and (base.signer or self._pinned.mode == "none"):
            known = base.revision if await self._mirror.ensure(base.revision) else None
        start = await self._trust(known) if known else trust(self._pinned, None)
        mode = stricter(self._pinned.mode, start.mode)
        if base is not None and base.signer and known is None:
            mode = stricter(mode, "head")           # what it asked for left with it: the pinned keys decide
        if mode == "none":
            return UNCHECKED
        try:
            return Verdict("verified", await self._judge(tip, known, start, mode))
        except (Refused, Unsupported) as refused:
            return Verdict("refused", reason=refused.message + (f" ({refused.hint})" if refused.hint else ""))

    async def _judge(self, tip: str, base: str | None, start: Trust, mode: Mode) -> str:
        if base is None:
            return (await self._vouched(tip, None, start)).name
        if not await self._mirror.contains(base, tip):
            return (await self._departed(tip, base, start)).name
        if mode == "head":
            return (await self._vouched(tip, base, start)).name
        for seal in await self._history.seals(tip, base):
            try:
                signer = await self._vouched(seal, base, start, everything=True)
            except Refused:
                continue                # anybody can write a trailer
            if seal == tip:
                return signer.name
            base, start = seal, await self._trust(seal)
            break
        return await self._each(tip, base, start)

    async def _departed(self, tip: str, base: str, start: Trust) -> Trusted:
        """A tip that does not build on what is in force: whoever holds the repository could have put it there."""
        hint = f"revert by a commit, or let a signer of every path push one with the trailer {SEAL}"
        if await self._mirror.contains(tip, base):
            raise Refused(f"the branch went back from {base[:12]} to {tip[:12]}", hint=hint)
        if tip not in await self._history.seals(tip, base):
            raise Refused(f"the branch was rewritten: it no longer holds {base[:12]}", hint=hint)
        return await self._vouched(tip, base, start, everything=True)

    async def _vouched(self, tip: str, base: str | None, start: Trust, *, everything: bool = False) -> Trusted:
        """Who signed `tip` and may change all that differs from `base`."""
        async with keyring(self._mirror.data, start.owners) as ring:
            commit = (await self._history.signed([tip], ring))[0]
        signer = _owner(commit, start, ring)
        if (everything or base is None) and not signer.everything:
            raise Refused(f"{_named(commit)}: {signer.name} may not sign for every path")
        if not signer.everything:
            _refuse(commit, signer, await self._history.between(base, tip))
        return signer

    async def _each(self, tip: str, base: str, start: Trust) -> str:
        """Check every commit of `base..tip`, parents first; who signed the tip."""
        lineage = await self._history.lineage(tip, base)
        trusts = await self._trusts(tip, base, start, lineage)
        keys = {key for one in [start, *trusts.values()] for key in one.owners}
        async with keyring(self._mirror.data, sorted(keys)) as ring:
            commits = await self._history.signed(lineage, ring)
        signer = Trusted("")
        for commit in commits:
            before = [trusts.get(parent, start) for parent in commit.parents] or [start]
            owners = [_owner(commit, one, ring) for one in before]
            signer = owners[0]
            if not all(one.everything for one in owners):
                changed = await self._history.own_changes(commit)
                for one in owners:
                    _refuse(commit, one, changed)
        return signer.name

    async def _trusts(
        self, tip: str, base: str, start: Trust, lineage: Mapping[str, tuple[str, ...]]
    ) -> dict[str, Trust]:
        """Who may sign after each commit; read anew only where a file at the root may have changed."""
        touching = await self._history.touching_root(tip, base)
        anew = [one for one, parents in lineage.items() if len(parents) != 1 or one in touching]
        if len(anew) > MAX_TRUSTS:
            raise Refused(f"more than {MAX_TRUSTS} commits are merges or change files at the repository's root",
                          hint=f"let a signer of every path push a commit with the trailer {SEAL}")
        found: dict[str, Trust] = {}
        for one, parents in lineage.items():
            found[one] = await self._trust(one) if one in anew else found.get(parents[0], start)
        return found

    async def _trust(self, revision: str) -> Trust:
        signing = await asyncio.to_thread(_signing, self._mirror.tree(revision))
        return trust(self._pinned, signing)


class _RootOnly:
    """The files at the root of a tree, where the Fleet object stands."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    @property
    def revision(self) -> str:
        """Of the whole tree."""
        return self._tree.revision

    def entries(self) -> Sequence[Entry]:
        """Those without a folder."""
        return [entry for entry in self._tree.entries() if "/" not in entry.path]

    def read(self, entry: Entry) -> bytes:
        """The content."""
        return self._tree.read(entry)


def _signing(tree: AbstractContextManager[Tree]) -> Signing | None:
    with tree as opened:
        found = load(_RootOnly(opened)).fleet_object()
    return found.spec.signing if found is not None and isinstance(found.spec, FleetSpec) else None


def _owner(commit: Signed, known: Trust, ring: Keyring) -> Trusted:
    if commit.fingerprint is None:
        raise Refused(f"{_named(commit)}: {commit.problem}")
    owner = known.owner(commit.fingerprint, ring.fingerprints)
    if owner is None:
        raise Refused(f"{_named(commit)}: its key {commit.fingerprint} may not sign here")
    return owner


def _refuse(commit: Signed, signer: Trusted, changed: Collection[str]) -> None:
    beyond = signer.trespasses(changed)
    if beyond:
        shown = ", ".join(one_line(path.encode("utf-8", "replace"), 100) for path in beyond[:SHOWN])
        more = f" and {len(beyond) - SHOWN} paths more" if len(beyond) > SHOWN else ""
        raise Refused(f"{_named(commit)}: {signer.name} may not change {shown}{more}")


def _named(commit: Signed) -> str:
    return f"commit {commit.revision[:12]}"
