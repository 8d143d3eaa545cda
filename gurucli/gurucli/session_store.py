"""Where a session's secrets are kept: the system's keyring, or a file of mode 0600. It never talks."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from guru_policy.errors import GuruError, NotSignedIn

Place = Literal["keyring", "file"]
SERVICE = "guru"
MOST = 1 << 16


@dataclass(frozen=True, slots=True)
class Held:
    """A session's secrets: tokens, and the seed of the client's Ed25519 key in hex. `expires_at` in ms UTC."""

    session: str
    name: str
    access: str = field(repr=False)
    expires_at: int
    refresh: str = field(repr=False)
    key: str = field(repr=False)


class Store:
    """Of one context. `folder` is beside the configuration."""

    def __init__(self, folder: Path, context: str, place: Place) -> None:
        self.place: Place = place
        self._context = context
        self._file = folder / f"{context.replace(os.sep, '_')}.json"

    def load(self) -> Held:
        """What is kept; NotSignedIn when it is gone."""
        try:
            text = _keyring_read(self._context) if self.place == "keyring" else self._read()
            return Held(**json.loads(text or ""))
        except (OSError, ValueError, TypeError) as cause:
            raise NotSignedIn(f"the session of {self._context} is not kept here any more",
                              hint="sign in again: `guru login`") from cause

    def save(self, held: Held) -> None:
        """Keep it in the place of what was."""
        text = json.dumps(asdict(held))
        if self.place == "keyring":
            _keyring_write(self._context, text)
            return
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._file.parent, prefix=".session-")      # 0600 by definition
            with os.fdopen(handle, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._file)
        except OSError as cause:
            raise GuruError(f"{self._file} cannot be written: {cause.strerror}") from cause

    def forget(self) -> None:
        """Nothing is kept from now on."""
        if self.place == "keyring":
            _keyring_delete(self._context)
        self._file.unlink(missing_ok=True)
        self._file.with_suffix(".lock").unlink(missing_ok=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time: two that refresh at once would burn each other's token."""
        try:
            import fcntl
        except ImportError:             # Windows: the server's minute of grace has to do
            yield
            return
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self) -> str:
        with self._file.open(encoding="utf-8") as file:
            return file.read(MOST)


def usable_place() -> Place:
    """The keyring where the system has one that can be used without a question; the file otherwise.

    The library takes 100 ms to import, so it is not even looked at where no desktop offers a keyring.
    """
    if os.environ.get("GURU_KEYRING", "") == "off":
        return "file"
    if sys.platform not in ("darwin", "win32") and not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return "file"
    try:
        import keyring

        backend = keyring.get_keyring()
        if backend.priority >= 1:       # what cannot keep a secret is below one
            backend.set_password(SERVICE, "probe", "x")
            backend.delete_password(SERVICE, "probe")
            return "keyring"
    except Exception:  # noqa: BLE001 - whatever a backend does, the file is there
        return "file"
    return "file"


def _keyring_read(context: str) -> str:
    import keyring

    try:
        return keyring.get_password(SERVICE, context) or ""
    except Exception as cause:
        raise NotSignedIn(f"the keyring does not open: {type(cause).__name__}",
                          hint="unlock it, or sign in again with GURU_KEYRING=off") from cause


def _keyring_write(context: str, text: str) -> None:
    import keyring

    try:
        keyring.set_password(SERVICE, context, text)
    except Exception as cause:
        raise GuruError(f"the keyring does not take the session: {type(cause).__name__}",
                        hint="sign in again with GURU_KEYRING=off to keep it in a file") from cause


def _keyring_delete(context: str) -> None:
    import keyring

    with suppress(Exception):
        keyring.delete_password(SERVICE, context)
