"""A TPM in software: swtpm, and before it what /dev/tpmrm0 is on a machine. It is nobody's secret store."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from tools.lab.world import wait_until

HEAD = 10                               # bytes: tag, size of the whole, command or return code
_SHUTDOWN = bytes.fromhex("8001 0000000c 00000145 0000")
_FLUSHED = [                            # sessions and objects: no program finds those of the one before, as with tpmrm0
    bytes.fromhex("8001 0000000e 00000165") + (kind << 24 | number).to_bytes(4, "big")
    for kind in (0x02, 0x03, 0x80) for number in range(3)
]


class SoftTpm:
    """One TPM with its seeds in a folder of its own; `device` names it for systemd-creds."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tpm-")
        self._at = Path(self._folder.name)
        self.device = f"swtpm:path={self._at / 'front'}"
        self._process: subprocess.Popen[bytes] | None = None
        self._front: socket.socket | None = None
        self._desk = threading.Thread()

    def start(self) -> None:
        """Power on."""
        back = self._at / "back"
        self._process = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self._at}", "--server", f"type=unixio,path={back}",
             "--ctrl", f"type=unixio,path={back}.ctrl", "--flags", "startup-clear,not-need-init"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        wait_until("the TPM is there", lambda: back.exists() and (self._at / "back.ctrl").exists(), 20)
        with suppress(FileExistsError):
            (self._at / "front.ctrl").symlink_to("back.ctrl")
        self._front = socket.socket(socket.AF_UNIX)
        self._front.bind(str(self._at / "front"))
        self._front.listen(8)
        self._desk = threading.Thread(target=self._serve, args=(self._front,), daemon=True)
        self._desk.start()

    def stop(self) -> None:
        """Power off, in good order; what it sealed opens again after `start`."""
        if self._front is not None:
            self._front.shutdown(socket.SHUT_RDWR)
            self._front.close()
            self._desk.join(20)
            (self._at / "front").unlink()
            self._front = None
        if self._process is not None:
            with self._back() as back:
                _exchange(back, _SHUTDOWN)
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def __enter__(self) -> SoftTpm:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
        self._folder.cleanup()

    def _back(self) -> socket.socket:
        back = socket.socket(socket.AF_UNIX)
        back.settimeout(20)
        back.connect(str(self._at / "back"))
        return back

    def _serve(self, front: socket.socket) -> None:
        """One client after the other, as swtpm takes them. A program connects anew for every command."""
        newest = 0
        while True:
            try:
                client, _ = front.accept()
            except OSError:
                return
            with client, self._back() as back, suppress(OSError):
                program = int.from_bytes(client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4], "little")
                if program != newest:
                    for command in _FLUSHED:
                        _exchange(back, command)
                newest = program
                while asked := _message(client):
                    client.sendall(_exchange(back, asked))


def _exchange(back: socket.socket, command: bytes) -> bytes:
    back.sendall(command)
    return _message(back)


def _message(peer: socket.socket) -> bytes:
    """The next command or answer, whose first ten bytes tell its size; empty when the peer hung up."""
    head = _exactly(peer, HEAD)
    return head + _exactly(peer, int.from_bytes(head[2:6]) - HEAD) if head else b""


def _exactly(peer: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size and (piece := peer.recv(size - len(found))):
        found += piece
    return found
