"""Answers that somebody on the way changed, wrapped or made: none signs in anybody."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from lxml import etree

from guru_policy.errors import NotSignedIn
from guru_server.sso.saml.reading import heard
from tests.server.sso.saml.conftest import ASSERTED, DSIG, House, Idp, form

SIGNATURE, ASSERTION = f"{{{DSIG}}}Signature", f"{{{ASSERTED}}}Assertion"


def wrapped(text: str, shape: int) -> bytes:
    """The eight shapes of "On Breaking SAML" (Somorovsky et al., 2012): somebody else beside what is signed."""
    root = etree.fromstring(text.encode())
    good = root.find(ASSERTION)
    evil_root = copy.deepcopy(root)
    evil = evil_root.find(ASSERTION)
    evil.set("ID", "_evil")
    evil.find(f".//{{{ASSERTED}}}NameID").text = "ada@example.com"
    bare = copy.deepcopy(good)
    bare.remove(bare.find(SIGNATURE))
    if shape in (1, 2):                 # the whole response beside or inside of the signature
        evil_root.set("ID", "_evil_response")
        holder = evil.find(SIGNATURE) if shape == 1 else evil_root
        holder.append(copy.deepcopy(root))
        return bytes(etree.tostring(evil_root))
    if shape == 3:
        evil.remove(evil.find(SIGNATURE))
        root.insert(0, evil)
        return bytes(etree.tostring(root))
    if shape == 4:
        evil.remove(evil.find(SIGNATURE))
        evil.append(copy.deepcopy(good))
    elif shape == 5:
        evil_root.append(bare)
    elif shape == 6:
        evil.find(SIGNATURE).append(bare)
    elif shape == 7:
        etree.SubElement(root, "Extensions").append(evil)
        return bytes(etree.tostring(root))
    else:
        etree.SubElement(evil.find(SIGNATURE), f"{{{DSIG}}}Object").append(bare)
    return bytes(etree.tostring(evil_root))


@pytest.mark.parametrize("shape", range(1, 9))
async def test_what_is_wrapped_around_a_signature_is_never_read(house: House, shape: int) -> None:
    request, relay = house.idp.asked(await house.leave())
    text = house.idp.signed(house.idp.written(request.get("ID", "")))
    answer = await house.come_back(form(wrapped(text, shape), relay))

    assert answer.status_code == 400


def refused(idp: Idp, text: str | bytes) -> str:
    with pytest.raises(NotSignedIn) as caught:
        heard(form(text, "")["SAMLResponse"], (idp.pem,), idp.clock())
    return caught.value.message


async def test_only_a_strong_signature_by_the_pinned_key_counts(house: House, other_keys: Any) -> None:
    idp = house.idp
    ours, idp.key = idp.key, other_keys[0]
    by_another = refused(idp, idp.signed(idp.written("_1")))
    idp.key, idp.method = ours, f"{DSIG}rsa-sha1"
    by_sha1 = refused(idp, idp.signed(idp.written("_1")))
    idp.method, idp.digest = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", f"{DSIG}sha1"
    digest = refused(idp, idp.signed(idp.written("_1")))
    idp.digest, idp.hmac = "http://www.w3.org/2001/04/xmlenc#sha256", idp.pem.encode()
    idp.method = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"
    by_a_public_secret = refused(idp, idp.signed(idp.written("_1")))
    idp.signs = []

    assert {by_another, by_sha1, digest, by_a_public_secret} == {
        "the provider's answer is signed by no key that the repository names"}
    assert refused(idp, idp.written("_1")) == "the provider's answer is not signed"


async def test_a_comment_cuts_no_name_short_and_a_changed_one_is_not_signed(house: House) -> None:
    house.idp.about["name"] = "bo@example.com.evil.example"
    text = house.idp.signed(house.idp.written("_1"))
    found = heard(form(text.replace("bo@example.com", "bo@example.com<!-- -->"), "")["SAMLResponse"],
                  (house.idp.pem,), house.idp.clock())

    assert found.assertion.findtext(f".//{{{ASSERTED}}}NameID") == "bo@example.com.evil.example"
    assert "no key" in refused(house.idp, text.replace("bo@example.com.evil.example", "bo@example.com"))


async def test_declarations_and_encrypted_assertions_are_refused(house: House) -> None:
    text = house.idp.written("_1")
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' + text.replace("bo@", "&b;@")
    sealed = text.replace("</samlp:Response>", "<saml:EncryptedAssertion/></samlp:Response>")

    assert "document type" in refused(house.idp, bomb)
    assert "cannot be read" in refused(house.idp, bomb.encode("utf-16"))
    assert "encrypts" in refused(house.idp, sealed)
    assert "too large" in refused(house.idp, "x" * 300_000)
