"""An HTTPS connection whose socket is in reach from the first byte of the handshake on. It checks nothing itself.

http.client's own shows the socket only once the handshake is done, so that nothing could cut a peer that drips one.
"""

from __future__ import annotations

import http.client
import ssl


class HttpsConnection(http.client.HTTPConnection):
    """As http.client.HTTPSConnection; `name` is what the certificate must be for, also through a tunnel."""

    default_port = 443

    def __init__(
        self, host: str, port: int | None, *, timeout: float, context: ssl.SSLContext, name: str
    ) -> None:
        super().__init__(host, port, timeout=timeout)
        self._tls, self._name = context, name

    def connect(self) -> None:
        """TCP, the tunnel if there is one, TLS."""
        super().connect()
        secured = self._tls.wrap_socket(self.sock, server_hostname=self._name, do_handshake_on_connect=False)
        self.sock = secured
        secured.do_handshake()
