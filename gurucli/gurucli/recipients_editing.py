"""Recipients put into Secrets and taken out of them, in their YAML, comments kept. It touches no other object."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import cast

from pydantic import JsonValue
from ruamel.yaml.error import YAMLError

from guru_policy.errors import InputInvalid
from guru_policy.text.nodes import Node, plain
from guru_policy.text.reading import read_yaml
from gurucli.formatting import comments, round_tripper, written
from gurucli.secret_files import Held, Repository

Recipients = MutableMapping[str, str]
Edit = Callable[[str, bytes, frozenset[str]], bytes]


def edit(repository: Repository, chosen: Sequence[Held], how: Edit) -> None:
    """Edit the files of these Secrets: all of them, or none when one cannot be edited."""
    names: dict[str, set[str]] = {}
    for held in chosen:
        names.setdefault(held.item.path, set()).add(held.item.name)
    fresh = {
        path: how(path, repository.tree.read(repository.entries[path]), frozenset(inside))
        for path, inside in names.items()
    }
    for path, data in fresh.items():
        repository.write(path, data)


def with_recipient(path: str, data: bytes, names: frozenset[str], who: str, key: str) -> bytes:
    """The file with one more recipient in each Secret of these names. InputInvalid when more would change."""

    def put(recipients: Recipients) -> None:
        recipients[who] = key

    new = _round_trip(path, data, names, put)
    if sorted(comments(new.decode())) != sorted(comments(data.decode())):
        raise _by_hand(path)
    return new


def without_recipient(path: str, data: bytes, names: frozenset[str], who: str) -> bytes:
    """The file without the recipient of this name or key; a comment in its own line goes with it."""

    def take(recipients: Recipients) -> None:
        for name in [name for name, key in recipients.items() if who in (name, key)]:
            del recipients[name]

    gone: set[int] = set()
    for name, node in _entries(path, data, names):
        if who in (name, node.value):
            gone.add(node.key_line)
    lines = data.decode().split("\n")
    new = "\n".join(line for number, line in enumerate(lines, 1) if number not in gone).encode()
    if _meant(path, new) != _changed(path, data, names, take):       # several entries in one line
        new = _round_trip(path, data, names, take)
    return new


def _entries(path: str, data: bytes, names: frozenset[str]) -> Iterator[tuple[str, Node]]:
    """Every recipient of these Secrets, by name, with its place."""
    for document in read_yaml(path, data).documents:
        kind, metadata, spec = (document.get(word) for word in ("kind", "metadata", "spec"))
        name = metadata.get("name") if metadata is not None else None
        part = spec.get("recipients") if spec is not None else None
        if kind is None or name is None or part is None or not isinstance(part.value, dict):
            continue
        if kind.value == "Secret" and name.value in names:
            yield from part.value.items()


def _round_trip(path: str, data: bytes, names: frozenset[str], change: Callable[[Recipients], None]) -> bytes:
    """The file after `change`, written by ruamel; InputInvalid when anything else changed."""
    yaml = round_tripper()
    try:
        documents = list(yaml.load_all(data.decode().removeprefix("\ufeff")))
        for document in documents:
            if _is_one(document, names):
                change(document["spec"]["recipients"])
        new = written(yaml, documents).encode()
    except (YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as cause:
        raise _by_hand(path) from cause
    if _meant(path, new) != _changed(path, data, names, change):
        raise _by_hand(path)
    return new


def _meant(path: str, data: bytes) -> list[JsonValue] | None:
    """What the file says; None when it cannot be read."""
    reading = read_yaml(path, data)
    return None if reading.faults else [plain(document) for document in reading.documents]


def _changed(
    path: str, data: bytes, names: frozenset[str], change: Callable[[Recipients], None]
) -> list[JsonValue] | None:
    """What the file should say afterwards."""
    documents = _meant(path, data)
    for document in documents or ():
        if _is_one(document, names):
            change(cast("dict[str, dict[str, Recipients]]", document)["spec"]["recipients"])
    return documents


def _is_one(document: object, names: frozenset[str]) -> bool:
    if not isinstance(document, dict) or document.get("kind") != "Secret":
        return False
    metadata = document.get("metadata")
    return isinstance(metadata, dict) and metadata.get("name") in names


def _by_hand(path: str) -> InputInvalid:
    return InputInvalid(f"{path} cannot be edited without changing more", hint="edit it by hand")
