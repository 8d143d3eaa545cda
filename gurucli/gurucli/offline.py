"""A fleet repository compiled on this machine, without a server. It reads trees, and writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pydantic import JsonValue

from guru_policy.bundle import Bundle, bundle_document, digest_of
from guru_policy.comparing import FieldChange
from guru_policy.compiling import Compiler, Effective
from guru_policy.errors import PolicyInvalid
from guru_policy.faults import Fault
from guru_policy.fleet import Fleet, Sources
from guru_policy.inventory import Device
from guru_policy.loading import ParseCache, load
from guru_policy.needing import UNOPENED, Opened
from guru_policy.provenance import Authors
from guru_policy.selector import parse
from guru_policy.tracing import decided
from guru_policy.tree import Tree


class Looked(NamedTuple):
    """What one device gets: the digest of its bundle and the bundle, or the faults that stand in the way."""

    digest: str
    bundle: Bundle | None
    faults: tuple[Fault, ...] = ()


class Offline:
    """One tree, ready to be asked for any device. All of it is taken from this one revision."""

    def __init__(self, tree: Tree, cache: ParseCache | None = None) -> None:
        """PolicyInvalid when the tree has faults: what it compiles to would not be what a server makes of it."""
        self.fleet: Fleet = load(tree, cache)
        errors = [fault for fault in self.fleet.faults if fault.severity == "error"]
        if errors:
            raise PolicyInvalid(errors)
        self.revision = tree.revision
        self._digests = {
            path: digest_of(tree.read(entry)) for path, entry in self.fleet.asset_entries().items()
        }
        # Nobody can open a secret here: that its encrypted file is another one is what can be seen.
        entries = {entry.path: entry for entry in tree.entries()} if self.fleet.secrets() else {}
        self._opened = {
            item.key: Opened(f"file:{entries[spec.file].blob[:16]}" if spec.file in entries else UNOPENED)
            for item, spec in self.fleet.secrets()
        }
        self._compilers: dict[str, Compiler] = {}
        self._authors: dict[str, Authors] = {}
        self._bundles: dict[str, Bundle] = {}

    def look(self, device: Device) -> Looked:
        """What the device gets."""
        compiler = self._compiler(device.place.customer)
        assignment = compiler.assign(device)
        if not isinstance(assignment, Effective):
            return Looked("", None, assignment)
        digest = assignment.bundle
        if digest not in self._bundles:
            self._bundles[digest] = Bundle.model_validate_json(compiler.bundles[digest])
        return Looked(digest, self._bundles[digest])

    def chosen(self, devices: Iterable[Device], selector: str) -> list[Device]:
        """The devices that the selector matches, by the labels and groups of this tree."""
        wanted = parse(selector)
        return [one for one in devices if wanted.accepts(self._compiler(one.place.customer).subject(one))]

    def attributed(self, device: Device, changes: Iterable[FieldChange]) -> tuple[FieldChange, ...]:
        """The changes of a device's document with who wrote them in this tree, and which are defaults."""
        customer = device.place.customer
        if customer not in self._authors:
            self._authors[customer] = Authors(Sources(self.fleet, self.fleet))
        return self._authors[customer].attributed(self._compiler(customer).fitting(device), changes)

    def provenance(self, device: Device, paths: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
        """The same for many paths at once."""
        table = self._compiler(device.place.customer).resolve(device).table
        standing = self._compiler(device.place.customer).standing(device)
        return {path: str(decided(table, path, standing)) for path in paths}

    def _compiler(self, customer: str) -> Compiler:
        known = self._compilers.get(customer)
        if known is None:
            sources = Sources(self.fleet, self.fleet)
            known = self._compilers[customer] = Compiler(sources, customer, self._digests, self._opened)
        return known


def document_of(bundle: Bundle | None) -> Mapping[str, JsonValue]:
    """The bundle as people address it; empty for none."""
    return bundle_document(bundle) if bundle is not None else {}
