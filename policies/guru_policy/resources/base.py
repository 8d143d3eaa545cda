"""What every resource kind is: its fields are the spec, `probe` looks, `plan` yields what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Generic, TypeVar

from guru_policy.host import Host, Platform
from guru_policy.model import Frozen
from guru_policy.steps import Step

StateT = TypeVar("StateT")


class Resource(Frozen, Generic[StateT]):
    """One thing on a machine that should be so. Neither method may change the machine."""

    platforms: ClassVar[frozenset[Platform]] = frozenset({"linux"})

    async def probe(self, host: Host) -> StateT:
        """How it is now. Raises CannotLook when that cannot be known."""
        raise NotImplementedError

    def plan(self, now: StateT) -> Iterator[Step]:
        """The steps from `now` to how it should be; none when it is so already."""
        raise NotImplementedError

    def sources(self) -> tuple[str, ...]:
        """Paths of files in the fleet repository that this resource carries to the device."""
        return ()

    def placed(self, digests: Mapping[str, str]) -> Resource[StateT]:
        """This resource with each source path replaced by its digest, as it stands in a bundle."""
        del digests
        return self
