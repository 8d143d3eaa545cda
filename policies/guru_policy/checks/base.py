"""What every check kind is: its fields are the spec, `sample` looks once and judges. It changes nothing."""

from __future__ import annotations

from typing import ClassVar

from pydantic import ConfigDict
from pydantic.alias_generators import to_camel

from guru_policy.host import Host, Platform
from guru_policy.model import Frozen
from guru_policy.verdict import Verdict


class Check(Frozen):
    """One question asked of a machine again and again."""

    model_config = ConfigDict(alias_generator=to_camel)

    platforms: ClassVar[frozenset[Platform]] = frozenset({"linux"})

    @property
    def patience(self) -> float:
        """Seconds that its own spec lets one reading take; 0 when it says nothing of that."""
        return 0.0

    async def sample(self, host: Host) -> Verdict:
        """One reading. Raises CannotLook, which the agent turns into the verdict `unknown`."""
        raise NotImplementedError
