"""A Git remote over HTTPS on loopback, as static files (gitprotocol-http(5), "dumb" clients). Read only."""

from __future__ import annotations

import ssl
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class GitHttps:
    """Serves a folder of bare repositories from start() until stop(); `keys` holds tls.key and tls.crt."""

    def __init__(self, folder: Path, keys: Path) -> None:
        self._keys = keys

        class Handler(SimpleHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.split("?")[0].endswith("/info/refs"):
                    bare = folder / self.path.strip("/").split("/")[0]
                    subprocess.run(["git", "-C", str(bare), "update-server-info"], check=False, timeout=20)
                super().do_GET()

            def log_message(self, *arguments: object) -> None:
                del arguments

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self.port = self._server.server_port

    def start(self) -> None:
        """Serve; from now on the keys must be there."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._keys / "tls.crt", self._keys / "tls.key")
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread.start()

    def stop(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()
