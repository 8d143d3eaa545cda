"""What this server is to a provider of SAML 2.0: its name, its request, and how an answer is taken. No HTTP routes.

The request's id and what goes along with the browser are marks of the attempt that only this server can make. An
attempt takes one answer, and an assertion answers one attempt: so none is taken twice.
"""

from __future__ import annotations

import asyncio
import base64
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from urllib.parse import urlencode, urlsplit

from guru_policy.access.rulebook import HeldProvider, HeldSaml, Rulebook
from guru_policy.errors import NotSignedIn
from guru_server.accounts.sealing import Seal
from guru_server.sso.claims import Vouched, mapped
from guru_server.sso.saml.reading import heard
from guru_server.sso.saml.saying import Asked, said

METADATA, ANSWERS = "/auth/saml/metadata", "/auth/saml/acs"
PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
SPACE = f'xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" protocolSupportEnumeration="{PROTOCOL}"'


@dataclass(frozen=True, slots=True)
class Partner:
    """One tenant's. `url` is its door as browsers know it."""

    seal: Seal
    url: str

    @property
    def entity_id(self) -> str:
        """How providers name this door; where its metadata is, too."""
        return self.url + METADATA

    def relay(self, attempt: str) -> str:
        """RelayState: 73 of the 80 bytes that it may have, and never an address."""
        return f"{attempt}.{self.seal.mark(f'saml relay {attempt}')[:40]}"

    def metadata(self) -> str:
        """What a provider has to know of this door (SAML 2.0 metadata, 2.4.4)."""
        return (f'<?xml version="1.0" encoding="UTF-8"?>\n<md:EntityDescriptor {SPACE.split(" ")[0]} '
                f'entityID="{escape(self.entity_id)}">\n  <md:SPSSODescriptor AuthnRequestsSigned="false" '
                f'WantAssertionsSigned="true" {SPACE.split(" ")[1]}>\n    <md:AssertionConsumerService index="0" '
                f'isDefault="true" Binding="{POST}" Location="{escape(self.url + ANSWERS)}"/>\n'
                "  </md:SPSSODescriptor>\n</md:EntityDescriptor>\n")

    def address(self, saml: HeldSaml, attempt: str, now: int) -> str:
        """Where the browser signs in, with the request along (SAML 2.0 bindings, 3.4)."""
        moment = datetime.fromtimestamp(now / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        text = (f'<samlp:AuthnRequest xmlns:samlp="{PROTOCOL}" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" '
                f'ID="{self._request(attempt)}" Version="2.0" IssueInstant="{moment}" '
                f'Destination="{escape(saml.sign_on)}" ProtocolBinding="{POST}" '
                f'AssertionConsumerServiceURL="{escape(self.url + ANSWERS)}">'
                f"<saml:Issuer>{escape(self.entity_id)}</saml:Issuer></samlp:AuthnRequest>")
        packer = zlib.compressobj(wbits=-15)
        packed = base64.b64encode(packer.compress(text.encode()) + packer.flush()).decode()
        words = urlencode({"SAMLRequest": packed, "RelayState": self.relay(attempt)})
        return f"{saml.sign_on}{'&' if urlsplit(saml.sign_on).query else '?'}{words}"

    async def redeem(
        self, provider: HeldProvider, book: Rulebook, attempt: str, answer: str, *, max_age: int, now: int
    ) -> Vouched:
        """Whom the provider's answer is about; NotSignedIn."""
        saml = provider.saml
        if saml is None:
            raise NotSignedIn("the repository does not sign in by SAML there any more")
        asked = Asked(self.entity_id, self.url + ANSWERS, self._request(attempt), max_age, now)
        found = await asyncio.to_thread(heard, answer, saml.certificates, now)
        return mapped(provider, book, said(provider, saml, found, asked))

    def _request(self, attempt: str) -> str:
        return f"_{self.seal.mark(f'saml request {attempt}')}"
