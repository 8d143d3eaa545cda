"""What does not fit among Secrets, their files and their recipients. It opens files, and shows no value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from guru_policy.errors import GuruError, Refused
from guru_policy.faults import Fault, Origin
from guru_policy.kinds.action_set import ActionSet
from guru_policy.kinds.secret import AGE_HEADS
from guru_policy.links import links_of
from guru_policy.objects.scopes import is_known_folder
from gurucli.ageing import opened, stanzas
from gurucli.secret_files import Held, Repository

if TYPE_CHECKING:
    from pyrage.x25519 import Identity

ROTATE = "guru secrets rotate"


def checked(repository: Repository, mine: Sequence[Identity], server: str | None) -> list[Fault]:
    """Every fault, by place. `server` is the server's key, None when it is not known."""
    faults = [*_strays(repository), *_shared(repository)]
    needed = _needed(repository)
    for held in repository.secrets:
        faults += _of_file(repository, held, mine)
        if server and held.item.name in needed and server not in held.spec.recipients.values():
            message = f"Secret {held.item.name}: devices need it, and the server cannot open it"
            hint = f"guru secrets recipients add guru server, then {ROTATE}"
            faults.append(Fault(held.item.at(("recipients",)), message, hint))
    return sorted(faults)


def _strays(repository: Repository) -> Iterator[Fault]:
    """Encrypted files that no Secret names."""
    named = {held.spec.file for held in repository.secrets}
    for path in repository.entries:
        if path.endswith(".age") and is_known_folder(path) and path not in named:
            yield Fault(Origin(path), "no Secret names this file", "remove it, or write a Secret for it")


def _shared(repository: Repository) -> Iterator[Fault]:
    """One file in two Secrets: whose recipients is it for?"""
    count = Counter(held.spec.file for held in repository.secrets)
    for held in repository.secrets:
        if count[held.spec.file] > 1:
            yield Fault(held.item.at(("file",)), f"Secret {held.item.name}: another Secret names the same file",
                        "a file is encrypted for one list of recipients")


def _needed(repository: Repository) -> set[str]:
    """The names of secrets that checks, resources and tray entries refer to."""
    objects = repository.fleet.objects.values()
    found = {ref.name for item in objects for ref in item.secret_refs}
    return found | {
        link.name for item in objects if isinstance(item.spec, ActionSet)
        for link in links_of(item) if link.kind == "Secret"
    }


def _of_file(repository: Repository, held: Held, mine: Sequence[Identity]) -> Iterator[Fault]:
    what, place = f"Secret {held.item.name}", held.item.at(("file",))
    try:
        data = repository.read(held)
    except GuruError as error:
        yield Fault(place, f"{what}: {error.message}", error.hint)
        return
    if not data.startswith(AGE_HEADS):
        hint = "encrypt it, and take what stood in it for known: it is in Git's history"
        yield Fault(place, f"{what}: {held.spec.file} was not encrypted by age", hint)
        return
    kinds, recipients = stanzas(data), held.spec.recipients
    other = [kind for kind in kinds if kind != "X25519"]
    if other:
        message = f"{what}: {held.spec.file} opens by {other[0][:20]} too, which no recipient here is"
        yield Fault(held.item.at(("recipients",)), message, ROTATE)
    elif len(kinds) != len(recipients):
        message = f"{what}: {held.spec.file} is encrypted for {len(kinds)} keys, and {len(recipients)} are listed"
        yield Fault(held.item.at(("recipients",)), message, ROTATE)
    if {str(one.to_public()) for one in mine} & set(recipients.values()):
        try:
            opened(data, mine)
        except Refused:
            message = f"{what}: your key is a recipient, and {held.spec.file} does not open with it"
            yield Fault(place, message, f"somebody who can open it runs {ROTATE}")
