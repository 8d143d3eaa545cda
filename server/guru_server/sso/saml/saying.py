"""What a signed assertion says, and whether it answers this server's own question (SAML 2.0 profiles, 4.1.4). Pure."""

from __future__ import annotations

import hmac
import re
from datetime import datetime
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element

from guru_policy.access.rulebook import HeldProvider, HeldSaml
from guru_policy.errors import NotSignedIn
from guru_server.federation.claims import LEEWAY
from guru_server.sso.claims import unmet
from guru_server.sso.saml.reading import ASSERTED, Heard

BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
ENTITY = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
UNDERSTOOD = frozenset(f"{ASSERTED}{name}" for name in ("AudienceRestriction", "OneTimeUse", "ProxyRestriction"))
WAYS = "http://schemas.microsoft.com/claims/authnmethodsreferences"     # where Entra ID tells of a second factor
INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,12})?Z")


class Asked(NamedTuple):
    """The question: who we are, where answers go, which request it was. `max_age` in seconds, `now` in ms UTC."""

    entity_id: str
    place: str
    request: str
    max_age: int
    now: int


def said(provider: HeldProvider, saml: HeldSaml, answer: Heard, asked: Asked) -> dict[str, Any]:
    """The claims of an assertion that holds, named like those of OpenID Connect where they mean the same."""
    try:
        why = _strays(answer, asked) or _misses(saml, answer.assertion, asked)
        claims = {} if why else _claims(provider, saml, answer.assertion)
    except (ValueError, OverflowError) as cause:
        raise NotSignedIn("the provider's assertion has a time that cannot be read") from cause
    why = why or _too_old(claims, asked) or unmet(provider, claims)
    if why:
        raise NotSignedIn(f"the provider's assertion does not sign in: {why}")
    return claims


def _strays(answer: Heard, asked: Asked) -> str:
    if answer.destination != asked.place and (answer.destination is not None or answer.whole):
        return "it was sent to another address"
    if answer.in_response_to is not None and not _same(answer.in_response_to, asked.request):
        return "it answers another question"
    return ""


def _misses(saml: HeldSaml, assertion: Element, asked: Asked) -> str:
    issuer = assertion.find(f"{ASSERTED}Issuer")
    if assertion.get("Version") != "2.0" or issuer is None or issuer.get("Format", ENTITY) != ENTITY:
        return "it is of another issuer"
    if _text(issuer) != saml.entity_id:
        return "it is of another issuer"
    now = asked.now / 1000
    conditions = assertion.findall(f"{ASSERTED}Conditions")
    if len(conditions) != 1 or not {one.tag for one in conditions[0]} <= UNDERSTOOD:
        return "it has conditions that are not understood here, or none"
    if why := _untimely(conditions[0], now):
        return why
    limits = conditions[0].findall(f"{ASSERTED}AudienceRestriction")
    if not limits or not all(asked.entity_id in _texts(one, "Audience") for one in limits):
        return "it was made for another audience"
    return _unconfirmed(assertion, asked)


def _unconfirmed(assertion: Element, asked: Asked) -> str:
    """A bearer's confirmation, for this address and this request alone."""
    why = "nothing in it confirms whoever brings it"
    for one in assertion.iterfind(f"{ASSERTED}Subject/{ASSERTED}SubjectConfirmation"):
        data = one.find(f"{ASSERTED}SubjectConfirmationData")
        if one.get("Method") != BEARER or data is None:
            continue
        if data.get("Recipient") != asked.place:
            why = "it was made for another address"
        elif not _same(data.get("InResponseTo", ""), asked.request):
            why = "it answers another question"
        elif data.get("NotOnOrAfter") is None:
            why = "it does not say when it ends"
        else:
            why = _untimely(data, asked.now / 1000)
        if not why:
            return ""
    return why


def _claims(provider: HeldProvider, saml: HeldSaml, assertion: Element) -> dict[str, Any]:
    told: dict[str, list[str]] = {}
    for one in assertion.iterfind(f"{ASSERTED}AttributeStatement/{ASSERTED}Attribute"):
        told.setdefault(one.get("Name", ""), []).extend(_texts(one, "AttributeValue"))
    told["NameID"] = [_text(one) for one in assertion.iterfind(f"{ASSERTED}Subject/{ASSERTED}NameID")]
    statements = assertion.findall(f"{ASSERTED}AuthnStatement")
    if len(statements) != 1:
        raise NotSignedIn("the provider's assertion does not tell of one sign-in")
    ends, began = statements[0].get("SessionNotOnOrAfter"), statements[0].get("AuthnInstant", "")
    context = [_text(one) for one in statements[0].iterfind(f"{ASSERTED}AuthnContext/{ASSERTED}AuthnContextClassRef")]
    claims: dict[str, Any] = {name: values[0] if len(values) == 1 else values for name, values in told.items()}
    claims[provider.groups_claim] = told.get(provider.groups_claim, [])
    address = told.get(saml.email, [])
    return claims | {
        "email": address[0] if len(address) == 1 else None, "email_verified": True,     # of `domains`, by its signature
        "acr": context[0] if len(context) == 1 else None, "amr": told.get(WAYS, []),
        "auth_time": _moment(began), "session_ends": None if ends is None else _moment(ends)}


def _too_old(claims: dict[str, Any], asked: Asked) -> str:
    now, at, ends = asked.now / 1000, claims["auth_time"], claims["session_ends"]
    if at > now + LEEWAY:
        return "it is not good yet; compare the clocks"
    if at <= now - asked.max_age - LEEWAY or (ends is not None and ends <= now - LEEWAY):
        return "the sign-in at the provider is too long ago; sign out there first"
    return ""


def _untimely(element: Element, now: float) -> str:
    since, until = element.get("NotBefore"), element.get("NotOnOrAfter")
    if until is not None and now >= _moment(until) + LEEWAY:
        return "it expired"
    if since is not None and now < _moment(since) - LEEWAY:
        return "it is not good yet; compare the clocks"
    return ""


def _moment(text: str) -> float:
    """Seconds UTC; ValueError for whatever does not end in Z, as SAML core, 1.3.3, wants it."""
    if not INSTANT.fullmatch(text):
        raise ValueError("not a moment of SAML")
    return datetime.fromisoformat(text).timestamp()


def _texts(parent: Element, name: str) -> list[str]:
    return [_text(one) for one in parent.iterfind(f"{ASSERTED}{name}")]


def _text(element: Element) -> str:
    """Its text alone; an element with others inside has none."""
    return "" if len(element) else (element.text or "").strip()


def _same(text: str, ours: str) -> bool:
    return hmac.compare_digest(text.encode(), ours.encode())
