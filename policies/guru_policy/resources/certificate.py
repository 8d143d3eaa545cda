"""A certificate in the machine's own store. Looks and plans; never touches the machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, StringConstraints, model_validator

from guru_policy.errors import CannotLook
from guru_policy.host import Host, Platform
from guru_policy.model import wrong
from guru_policy.quantities import ItemId
from guru_policy.resources.base import Resource
from guru_policy.resources.certificates import read_certificate
from guru_policy.resources.certificates.stores import Store, StoreName, store_of
from guru_policy.steps import Step


def _pem(value: str) -> str:
    return read_certificate(value).pem


Pem = Annotated[str, StringConstraints(max_length=32_000), AfterValidator(_pem)]


class StoreState(NamedTuple):
    """The store that this machine has, and what is in it."""

    store: Store
    found: object


class Certificate(Resource[StoreState]):
    """Keep a certificate trusted, or keep it out. One that has ended is an error that says so."""

    platforms = frozenset({"linux", "macos", "windows"})

    kind: Literal["certificate"] = "certificate"
    name: ItemId
    certificate: Pem
    store: StoreName = "root"
    ensure: Literal["present", "absent"] = "present"

    @model_validator(mode="after")
    def _fit_for_the_store(self) -> Certificate:
        if self.store != "people" and not read_certificate(self.certificate).authority:
            raise wrong("this is not the certificate of an authority", hint="`store: people` is for others, on Windows")
        return self

    def served(self) -> frozenset[Platform]:
        """Only Windows has stores beside that of roots."""
        return self.platforms if self.store == "root" else frozenset({"windows"})

    async def probe(self, host: Host) -> StoreState:
        read = read_certificate(self.certificate)
        if self.ensure == "present" and read.ends_at < await host.now():
            raise CannotLook(f"the certificate ended on {read.ends_on}", hint="put its successor into the repository")
        store = await store_of(host, self.name, read, self.store)
        return StoreState(store, await store.look(host))

    def plan(self, now: StoreState) -> Iterator[Step]:
        yield from now.store.steps(now.found, wanted=self.ensure == "present")
