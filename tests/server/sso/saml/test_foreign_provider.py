"""An identity provider that somebody else wrote (pysaml2's), set up by our metadata, signs a person in."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.server.sso.saml.conftest import MFA, THEIRS, House, form

with warnings.catch_warnings():         # of what it imports
    warnings.simplefilter("ignore")
    from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
    from saml2.config import IdPConfig
    from saml2.saml import NAMEID_FORMAT_EMAILADDRESS, NameID
    from saml2.server import Server
    from saml2.xmldsig import DIGEST_SHA256, SIG_RSA_SHA256

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

OF_A_PERSON = {"tenant": ["acme"], "groups": ["rmm desk", "admin"]}


@pytest.fixture
async def foreign(house: House, tmp_path: Path) -> Server:
    """It knows this server by the metadata that the server gives, and signs by the certificate that Git names."""
    (tmp_path / "sp.xml").write_text((await house.http.get("/auth/saml/metadata")).text)
    (tmp_path / "idp.pem").write_text(house.idp.pem)
    (tmp_path / "idp.key").write_bytes(house.idp.key.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    return Server(config=IdPConfig().load({
        "entityid": THEIRS, "key_file": str(tmp_path / "idp.key"), "cert_file": str(tmp_path / "idp.pem"),
        "metadata": {"local": [str(tmp_path / "sp.xml")]}, "allow_unknown_attributes": True,
        "service": {"idp": {
            "endpoints": {"single_sign_on_service": [("https://id.example/sso?x=1", BINDING_HTTP_REDIRECT)]},
            "policy": {"default": {"lifetime": {"minutes": 5}, "attribute_restrictions": None}},
        }},
    }))


def answered(foreign: Server, address: str, **how: Any) -> dict[str, str]:
    """Somebody signs in at `address`: the form that goes back."""
    words = parse_qs(urlsplit(address).query)
    asked = foreign.parse_authn_request(words["SAMLRequest"][0], BINDING_HTTP_REDIRECT).message
    to = foreign.response_args(asked, [BINDING_HTTP_POST])
    response = foreign.create_authn_response(
        OF_A_PERSON, in_response_to=asked.id, destination=to["destination"], sp_entity_id=to["sp_entity_id"],
        name_id=NameID(format=NAMEID_FORMAT_EMAILADDRESS, text="bo@example.com"), userid="bo",
        authn={"class_ref": MFA, "authn_auth": THEIRS}, sign_alg=SIG_RSA_SHA256, digest_alg=DIGEST_SHA256, **how)
    return form(str(response), words["RelayState"][0])


@pytest.fixture(autouse=True)
def same_time(house: House) -> Iterator[None]:
    """The other implementation has no clock but the machine's."""
    with time_machine.travel(house.idp.clock() / 1000, tick=False):
        yield


@pytest.mark.parametrize("signed", [
    {"sign_assertion": True, "sign_response": False}, {"sign_assertion": False, "sign_response": True},
    {"sign_assertion": True, "sign_response": True},
])
async def test_another_implementation_s_answer_signs_in(house: House, foreign: Server, signed: dict[str, bool]) -> None:
    back = await house.sent(answered(foreign, await house.leave(), **signed))

    assert (back.status_code, back.json()["name"]) == (201, "bo")


async def test_its_unsigned_answer_does_not(house: House, foreign: Server) -> None:
    back = await house.sent(answered(foreign, await house.leave(), sign_assertion=False, sign_response=False))

    assert back.status_code == 400
