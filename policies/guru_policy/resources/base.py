"""What every resource kind is: its fields are the spec, `probe` looks, `plan` yields what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Generic, TypeVar

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from guru_policy.host import Host, Platform
from guru_policy.model import Frozen
from guru_policy.steps import Step

StateT = TypeVar("StateT")


class Resource(Frozen, Generic[StateT]):
    """One thing on a machine that should be so. No method may change the machine."""

    model_config = ConfigDict(alias_generator=to_camel)

    platforms: ClassVar[frozenset[Platform]]

    def served(self) -> frozenset[Platform]:
        """Where this very resource can be kept: `platforms`, or fewer when its fields say so."""
        return self.platforms

    async def probe(self, host: Host) -> StateT:
        """How it is now. Raises CannotLook when that cannot be known."""
        raise NotImplementedError

    def plan(self, now: StateT) -> Iterator[Step]:
        """The steps from `now` to how it should be; none when it is so already."""
        raise NotImplementedError

    def starts_fresh(self, now: StateT) -> bool:
        """Whether `plan` alone already makes it take in what changed, so that no trigger is needed."""
        del now
        return False

    def sources(self) -> tuple[str, ...]:
        """Paths of files in the fleet repository that this resource carries to the device."""
        return ()

    def placed(self, digests: Mapping[str, str]) -> Resource[StateT]:
        """This resource with each source path replaced by its digest, as it stands in a bundle."""
        del digests
        return self

    def triggers(self) -> tuple[str, ...]:
        """Ids of resources whose change makes `plan_triggered` due."""
        return ()

    def plan_triggered(self) -> Iterator[Step]:
        """What to do after one of `triggers()` changed, in this run or in an interrupted one before."""
        return iter(())
