"""Small fleet repositories for tests: what every one needs, and what a test adds. Only text."""

from __future__ import annotations

from collections.abc import Mapping

from guru_policy.fleet import Fleet
from guru_policy.inventory import Device, Place, Scalar
from guru_policy.loading import load
from guru_policy.tree import MemoryTree

REVISION = "a" * 40
RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
BASE: dict[str, bytes | str] = {
    "fleet.yaml": "apiVersion: guru/v1\nkind: Fleet\nmetadata: {name: test}\n",
    "customers/acme/customer.yaml": "apiVersion: guru/v1\nkind: Customer\nmetadata: {name: acme}\n",
    "customers/acme/sites/hq/site.yaml": "apiVersion: guru/v1\nkind: Site\nmetadata: {name: hq}\n",
}


def written(kind: str, name: str, spec: str) -> str:
    """An object of any kind; its spec begins in line 5."""
    lines = "".join(f"  {line}\n" for line in spec.strip("\n").split("\n"))
    return f"apiVersion: guru/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n{lines}"


def policy(name: str, spec: str) -> str:
    """A Policy; its spec begins in line 5."""
    return written("Policy", name, spec)


def group(name: str, priority: int, selector: str = "") -> str:
    """A DeviceGroup."""
    return (
        f"apiVersion: guru/v1\nkind: DeviceGroup\nmetadata: {{name: {name}}}\n"
        f"spec: {{priority: {priority}, selector: '{selector}'}}\n"
    )


def secret(name: str, folder: str) -> dict[str, bytes | str | None]:
    """A Secret in a folder, and a file that looks encrypted."""
    spec = f"file: {folder}/{name}.age\nrecipients: {{server: {RECIPIENT}}}"
    return {
        f"{folder}/{name}.yaml": written("Secret", name, spec),
        f"{folder}/{name}.age": b"age-encryption.org/v1\n-> X25519 a\n---",
    }


def fleet(files: Mapping[str, bytes | str | None] | None = None, revision: str = REVISION) -> Fleet:
    """A fleet of acme with a site hq, and these files; None takes one away."""
    content = {path: data for path, data in {**BASE, **(files or {})}.items() if data is not None}
    return load(MemoryTree(content, revision))


def device(name: str = "pc1", number: int = 1, **facts: Scalar) -> Device:
    """A device of acme in hq."""
    return Device(f"{number:032x}", name, Place("acme", "hq"), facts)
