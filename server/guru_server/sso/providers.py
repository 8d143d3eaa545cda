"""What this server says to a provider: the address that browsers go to, and a code against an ID token. No HTTP routes.

OAuth 2.0 with PKCE (RFC 7636), a state and a nonce that only this server can make, the issuer in the answer (RFC 9207).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from pydantic import SecretStr

from guru_policy.access.rulebook import HeldProvider, Rulebook
from guru_policy.errors import NotSignedIn, Unreachable
from guru_server.accounts.attempts import Attempt, challenge_of
from guru_server.accounts.sealing import Seal
from guru_server.federation.claims import untested
from guru_server.federation.exchanging import verified
from guru_server.federation.issuers import Issuers
from guru_server.sso.claims import Asked, Vouched, vouched

MOST_TOKEN = 16_384


@dataclass(frozen=True, slots=True)
class Providers:
    """`secrets` are this server's at each provider; who has none is a public client."""

    issuers: Issuers
    seal: Seal
    secrets: Mapping[str, SecretStr]
    callback: str

    def state(self, attempt: str) -> str:
        """What comes back from the provider, and only this server can make."""
        return f"{attempt}.{self.seal.mark(f'sso state {attempt}')[:40]}"

    async def address(self, provider: HeldProvider, attempt: Attempt, max_age: int) -> str:
        """Where the browser signs in; Unreachable."""
        about = await self.issuers.about(provider.issuer)
        place = _https(about, "authorization_endpoint")
        words = {
            "response_type": "code", "client_id": provider.client_id, "redirect_uri": self.callback,
            "scope": " ".join(dict.fromkeys(("openid", *provider.scopes))), "state": self.state(attempt.id),
            "nonce": self._nonce(attempt.id), "code_challenge": challenge_of(self._verifier(attempt.id)),
            "code_challenge_method": "S256", "max_age": str(max_age),
        }
        return f"{place}{'&' if urlsplit(place).query else '?'}{urlencode(words)}"

    async def check_issuer(self, provider: HeldProvider, said: str | None) -> None:
        """NotSignedIn when the answer names another issuer, or none although its provider always does."""
        always = (await self.issuers.about(provider.issuer)).get("authorization_response_iss_parameter_supported")
        if said != provider.issuer and (said is not None or always is True):
            raise NotSignedIn("the answer came from another provider than was asked")

    async def redeem(
        self, provider: HeldProvider, book: Rulebook, attempt: str, code: str, *, max_age: int, now: int
    ) -> Vouched:
        """Whom the provider's code is about; NotSignedIn or Unreachable."""
        about = await self.issuers.about(provider.issuer)
        secret = self.secrets.get(provider.name)
        status, said = await self.issuers.post(_https(about, "token_endpoint"), {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self.callback,
            "client_id": provider.client_id, "code_verifier": self._verifier(attempt),
        }, provider.client_id, secret.get_secret_value() if secret else "")
        token, access = said.get("id_token"), said.get("access_token")
        if status != 200 or not isinstance(token, str) or not isinstance(access, str) or len(token) > MOST_TOKEN:
            raise NotSignedIn("the provider did not take its own code back", hint="begin again: `guru login --sso`")
        told = untested(token, keyless=True)
        if told.issuer != provider.issuer:
            raise NotSignedIn("the provider's token is of another issuer")
        claims = verified(token, await self.issuers.key(provider.issuer, told.key))
        asked = Asked(self._nonce(attempt), access, max_age, now)
        return vouched(provider, book, claims, told.algorithm, asked)

    def _nonce(self, attempt: str) -> str:
        return self.seal.mark(f"sso nonce {attempt}")

    def _verifier(self, attempt: str) -> str:
        return self.seal.mark(f"sso verifier {attempt}")


def _https(about: dict[str, Any], name: str) -> str:
    place = about.get(name)
    try:
        parts = urlsplit(place if isinstance(place, str) else "")
        good = parts.scheme == "https" and bool(parts.hostname) and not parts.fragment and not parts.username
    except ValueError:
        good = False
    if not good or not isinstance(place, str) or not (place.isascii() and place.isprintable()) or len(place) > 2000:
        raise Unreachable(f"the provider's own document has no {name} at an https address")
    return place
