"""The signer's process: a local socket, and who may speak there. It opens no other file than those of its folder.

Only the user of the server, root and its own user are heard, as the kernel names the peer (SO_PEERCRED). It ends with
its standard input when `--with-parent` was given, so a server that was killed leaves none behind.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import resource
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from guru_policy.errors import GuruError, Refused
from guru_server.keys import files, opening
from guru_server.keys.chain import Chain
from guru_server.signer import frames
from guru_server.signer.brake import Brake
from guru_server.signer.chamber import Chamber, Keys, Peer
from guru_server.signer.holding import from_files, make_first, same_for_all

MOST_LINES = 32                         # connections at once
LOCK_TRIES, LOCK_PAUSE = 100, 0.1       # and seconds between them
SOCKET, COUNTS, LOCK = "signer.sock", "signer.log", "signer.lock"
_CREDENTIALS = struct.Struct("3i")


class Listener:
    """Hears connections until the process ends."""

    def __init__(self, chamber: Chamber, server_uid: int) -> None:
        self._chamber, self._server_uid = chamber, server_uid
        self._room = threading.BoundedSemaphore(MOST_LINES)

    def run(self, listening: socket.socket) -> None:
        """Accept for ever."""
        while True:
            line, _ = listening.accept()
            peer = self._peer(line)
            if peer is None or not self._room.acquire(blocking=False):
                line.close()
                continue
            threading.Thread(target=self._talk, args=(line, peer), daemon=True).start()

    def _peer(self, line: socket.socket) -> Peer | None:
        _, uid, _ = _CREDENTIALS.unpack(line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
        own = os.geteuid()
        if uid not in (own, self._server_uid, 0):
            return None
        return Peer(uid, second=uid in (own, 0))

    def _talk(self, line: socket.socket, peer: Peer) -> None:
        try:
            with line, contextlib.suppress(frames.Cut):
                while (message := frames.receive(line)) is not None:
                    frames.send(line, self._chamber.answer(message, peer))
        finally:
            self._room.release()


def main(argv: Sequence[str] | None = None) -> None:
    """Run until a signal, or until the parent ends."""
    asked = _parser().parse_args(argv)
    try:
        listening, listener = _open(asked)
    except GuruError as error:
        sys.stderr.write(f"error[{error.code}]: {error.message}\n" + (f"hint: {error.hint}\n" if error.hint else ""))
        sys.exit(error.exit_code)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if asked.with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    listener.run(listening)


def _open(asked: argparse.Namespace) -> tuple[socket.socket, Listener]:
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))        # no key ends in a core file
    os.umask(0o077)
    credentials = os.environ.get("CREDENTIALS_DIRECTORY", "")
    passphrase = opening.passphrase_in(asked.passphrase_file, Path(credentials) if credentials else None)
    folder: Path = asked.folder
    keys = _keys(asked, folder, passphrase)
    brake = Brake(folder / COUNTS, {"commands": asked.commands, "states": asked.states}, _now())
    uid = os.geteuid() if asked.server_uid is None else asked.server_uid
    path: Path = asked.socket or folder / SOCKET
    return _listening(path, uid != os.geteuid()), Listener(Chamber(same_for_all(keys), brake, Chain(folder), _now), uid)


def _keys(asked: argparse.Namespace, folder: Path, passphrase: bytes | None) -> Keys:
    files.make_folder(folder)
    _only_one(folder / LOCK)
    if asked.module is not None:
        from guru_server.signer.token import from_token

        return from_token(asked.module, asked.token, asked.pin_file)
    make_first(folder, passphrase)
    return from_files(folder, passphrase)


def _listening(path: Path, others: bool) -> socket.socket:
    """The socket, in the place of one that was left behind. `others`: another user may connect, and is looked at."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        with frames.short(path) as address:
            made.bind(address)
        path.chmod(0o666 if others else 0o600)
        made.listen(MOST_LINES)
    except OSError as cause:
        raise GuruError(f"the signer cannot listen on {path}: {cause.strerror}", hint="look at --socket") from cause
    return made


def _only_one(path: Path) -> None:
    """Hold the folder's lock as long as this process lives; one that just ends is waited for."""
    lock = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    for _ in range(LOCK_TRIES):
        with contextlib.suppress(BlockingIOError):
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        time.sleep(LOCK_PAUSE)
    raise Refused(f"another signer works in {path.parent}", hint="stop it first")


def _end_with_parent() -> None:
    with contextlib.suppress(OSError):
        while sys.stdin.buffer.read(1):
            pass
    os._exit(0)


def _now() -> int:
    return time.time_ns() // 1_000_000


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="guru-server signer")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--socket", type=Path)
    parser.add_argument("--commands", type=int, required=True)
    parser.add_argument("--states", type=int, required=True)
    parser.add_argument("--passphrase-file", type=Path)
    parser.add_argument("--server-uid", type=int)
    parser.add_argument("--module", type=Path)
    parser.add_argument("--token")
    parser.add_argument("--pin-file", type=Path)
    parser.add_argument("--with-parent", action="store_true")
    return parser


if __name__ == "__main__":
    main()
