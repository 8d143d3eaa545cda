"""One public key that lets a user in over SSH, or its absence. Looks and plans; never touches the machine.

The file lies in a folder that the user owns, so nothing on the way below the home is followed, and a file
that is not the user's own is not carried over.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, StringConstraints

from guru_policy.errors import CannotLook
from guru_policy.host import Host, UserEntry
from guru_policy.machine import AccountName, Line
from guru_policy.model import wrong
from guru_policy.resources.base import Resource
from guru_policy.resources.key_line import KeyLine, read_key_line, split_options
from guru_policy.steps import MakeDirectory, Step, WriteFile


def _key(value: str) -> str:
    found = read_key_line(value)
    if found is None or found.options:
        raise wrong("this is not a public key", hint="one line of a .pub file: `ssh-ed25519 AAAA... anna@pc`")
    return value.strip()


def _options(value: str) -> str:
    if split_options(f"{value} x") != (value, "x"):
        hint = 'such as `restrict,command="backup"`; no spaces outside quotes'
        raise wrong("these are not options of a key", hint=hint)
    return value


PublicKey = Annotated[Line, StringConstraints(max_length=16_000), AfterValidator(_key)]
Options = Annotated[Line, StringConstraints(min_length=1, max_length=2000), AfterValidator(_options)]


class KeysState(NamedTuple):
    """`lines` of authorized_keys, None when there is no file; `user` is None when there is no such account."""

    user: UserEntry | None
    folder: bool = False
    lines: tuple[str, ...] | None = None
    mode: int | None = None


class AuthorizedKey(Resource[KeysState]):
    """Let one SSH key in as a user, or keep it out. Other keys are left alone."""

    platforms = frozenset({"linux"})

    kind: Literal["authorized_key"] = "authorized_key"
    user: AccountName
    key: PublicKey
    options: Options | None = None
    ensure: Literal["present", "absent"] = "present"

    async def probe(self, host: Host) -> KeysState:
        user = await host.user(self.user)
        if user is None:
            if self.ensure == "absent":
                return KeysState(None)
            raise CannotLook(f"there is no user {self.user}", hint="come `after` the resource that makes it")
        folder = await host.stat(_folder(user))
        if folder is None:
            return KeysState(user)
        if folder.type != "directory" or folder.owner not in (user.name, "root"):
            raise CannotLook(f"{_folder(user)} is not a folder of {user.name}'s own")
        stat = await host.stat(_file(user))
        if stat is None:
            return KeysState(user, True)
        if stat.type != "file" or stat.owner != user.name:
            raise CannotLook(f"{_file(user)} is not a file of {user.name}'s own", hint="change its owner, or remove it")
        data = await host.read(_file(user)) or b""
        text = data.decode(errors="surrogateescape").removesuffix("\n")
        return KeysState(user, True, tuple(text.split("\n")) if data else (), stat.mode)

    def plan(self, now: KeysState) -> Iterator[Step]:
        if now.user is None:
            return
        lines = now.lines or ()
        mine = read_key_line(self.key)
        here = [index for index, line in enumerate(lines) if _same(mine, read_key_line(line))]
        wanted = f"{self.options} {self.key}" if self.options else self.key
        if self.ensure == "absent":
            result = [line for index, line in enumerate(lines) if index not in here]
        elif here:
            result = [
                wanted if index == here[0] else line
                for index, line in enumerate(lines) if index not in here[1:]
            ]
        else:
            result = [*lines, wanted]
        writable = now.mode is not None and now.mode & 0o022
        if tuple(result) == lines and not writable:
            return
        if not now.folder:
            yield MakeDirectory(_folder(now.user), 0o700, now.user.name, below=now.user.home)
        content = "".join(f"{line}\n" for line in result).encode(errors="surrogateescape")
        yield WriteFile(_file(now.user), content, mode=0o600, owner=now.user.name, below=now.user.home)


def _same(mine: KeyLine | None, other: KeyLine | None) -> bool:
    return mine is not None and other is not None and (mine.type, mine.blob) == (other.type, other.blob)


def _folder(user: UserEntry) -> str:
    return f"{user.home.rstrip('/')}/.ssh"


def _file(user: UserEntry) -> str:
    return f"{_folder(user)}/authorized_keys"
