"""One file through everything that reads fleet repositories, and what must hold whatever stands in it."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from guru_policy.bundle import digest_of
from guru_policy.compiling import Effective, Sources, compile_customer
from guru_policy.explaining import EXPLAINED, explain
from guru_policy.faults import Fault
from guru_policy.fleet import Fleet
from guru_policy.inventory import Device, Place
from guru_policy.loading import load
from guru_policy.testing.running import Runner
from guru_policy.text.nodes import plain
from guru_policy.text.reading import read_yaml
from guru_policy.tree import MemoryTree
from gurucli.formatting import comments, formatted
from tests.fuzz.corpus import Sample

AROUND: dict[str, bytes | str] = {
    "fleet.yaml": "apiVersion: guru/v1\nkind: Fleet\nmetadata: {name: test}\n",
    "customers/acme/customer.yaml": "apiVersion: guru/v1\nkind: Customer\nmetadata: {name: acme}\n",
    "customers/acme/sites/hq/site.yaml": "apiVersion: guru/v1\nkind: Site\nmetadata: {name: hq}\n",
    "groups/all.yaml": "apiVersion: guru/v1\nkind: DeviceGroup\nmetadata: {name: all}\n"
                       "spec: {priority: 1, selector: fact/os=linux}\n",
    "org/disks.yaml": "apiVersion: guru/v1\nkind: Policy\nmetadata: {name: disks}\n"
                      "spec: {checks: {disk: {kind: disk_space}, cpu: {kind: cpu}}}\n",
    "org/secrets/tray-pin.age": "age-encryption.org/v1\n",
}
DEVICES = [
    Device(f"{number:032x}", name, Place("acme", "hq"), {"os": system, "ram_gb": 16}, {"role": "server"})
    for number, (name, system) in enumerate((("pc1", "linux"), ("pc2", "windows"), ("acme-nas01", "linux")))
]
WHOLE = re.compile(r"the file has|is already defined|more than [0-9,]+ (faults|values)|not read|ends too early"
                   r"|was not formatted|no file that age encrypted|this is not YAML|no \w+ object")
FOLDERS = ("customers/acme", "customers/acme/sites/hq")
LARGE = 8 << 10                         # bytes
LONGEST = 4000                          # characters of one fault


class Broken(AssertionError):
    """Something that must always hold does not; the message says what."""


class Took(NamedTuple):
    """Seconds of CPU: to load, compile and explain, and to format."""

    reading: float
    formatting: float


def tried(sample: Sample, *, large: bool = True) -> Took:
    """What it took. Broken, or whatever was raised, when something does not hold.

    Formatting is three orders slower than reading: of the large files one in ten goes through it, or none.
    """
    began = time.process_time()
    files = {**AROUND, sample.path: sample.data}
    tree = MemoryTree(files)
    fleet = load(tree)
    for fault in fleet.faults:
        _clear(fault, sample)
    sources = Sources(fleet, fleet)
    digests = {path: digest_of(tree.read(entry)) for path, entry in fleet.asset_entries().items()}
    compiled = compile_customer(sources, "acme", DEVICES, digests)
    if set(compiled.assigned) != {device.id for device in DEVICES}:
        raise Broken("a device got neither a bundle nor faults")
    for fault in (fault for one in compiled.assigned.values() if not isinstance(one, Effective) for fault in one):
        _clear(fault, sample)
    for section in EXPLAINED:
        explain(sources, DEVICES[0], section)
    if not any(fault.severity == "error" for fault in fleet.faults):
        _run_tests(fleet, digests)
    read = time.process_time()
    if len(sample.data) <= LARGE or (large and not zlib.crc32(sample.data) % 10):
        _format(sample)
    return Took(read - began, time.process_time() - read)


def _run_tests(fleet: Fleet, digests: dict[str, str]) -> None:
    for outcome in Runner(fleet, digests).run().outcomes:
        if not str(outcome.key).isprintable():
            raise Broken("the name of a test is not printable")


def _clear(fault: Fault, sample: Sample) -> None:
    """A fault says where and what, on one printable line."""
    problems = list(_unclear(fault, sample))
    if problems:
        raise Broken(f"{problems[0]}: {str(fault)[:300]!a}")


def _unclear(fault: Fault, sample: Sample) -> Iterator[str]:
    said = str(fault)
    if not said.isprintable() or len(said) > LONGEST or "Node(" in said:
        yield "a fault is not one printable line of a decent length"
    if fault.origin.path not in (*AROUND, sample.path, "/", *FOLDERS):
        yield "a fault is in no file"
    if fault.origin.line == 0 and not WHOLE.search(fault.message):
        yield "a fault has no line"
    if fault.origin.path == sample.path and fault.origin.line > _lines(sample.data):
        yield "a fault is behind the end of its file"


def _lines(data: bytes) -> int:
    """Lines as YAML counts them, the empty one after the last line end too."""
    text = data.decode("utf-8", "replace")
    return len(re.split("\r\n|[\n\r\x85\u2028\u2029]", text)) + 1


def _format(sample: Sample) -> None:
    found = formatted(sample.path, sample.data)
    if found.faults:
        for fault in found.faults:
            _clear(fault, sample)
        return
    before, after = read_yaml("a", sample.data), read_yaml("a", found.text.encode())
    if [plain(one) for one in before.documents] != [plain(one) for one in after.documents]:
        raise Broken("fmt changed what the file says")
    text = sample.data.decode().removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    if before.documents and sorted(comments(text)) != sorted(comments(found.text)):
        raise Broken("fmt lost a comment")
    if formatted(sample.path, found.text.encode()).text != found.text:
        raise Broken("fmt is not done at once")
