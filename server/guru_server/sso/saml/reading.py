"""A SAML response, as far as a pinned key signed it: what is passed on are the very bytes that were digested.

They are parsed again, so whatever a browser puts before, around or inside of them is seen by nobody. Libraries are
loaded with the first response.
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Any, NamedTuple
from xml.etree import ElementTree

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import Certificate, load_pem_x509_certificate

from guru_policy.errors import NotSignedIn

MOST = 256 << 10                        # bytes of XML
MOST_ELEMENTS = 10_000
ASSERTED = "{urn:oasis:names:tc:SAML:2.0:assertion}"
SPOKEN = "{urn:oasis:names:tc:SAML:2.0:protocol}"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
SIGNED = "{http://www.w3.org/2000/09/xmldsig#}"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
TRANSFORMS = frozenset({ENVELOPED, EXCLUSIVE, f"{EXCLUSIVE}WithComments"})      # SAML core, 5.4.4
METHODS = ("RSA_SHA256", "RSA_SHA384", "RSA_SHA512", "SHA256_RSA_MGF1", "SHA384_RSA_MGF1", "SHA512_RSA_MGF1",
           "ECDSA_SHA256", "ECDSA_SHA384", "ECDSA_SHA512")
DIGESTS = ("SHA256", "SHA384", "SHA512")


class Heard(NamedTuple):
    """A response. Only `assertion` is certain to be signed; the rest can do no more than refuse."""

    assertion: ElementTree.Element
    destination: str | None
    in_response_to: str | None
    whole: bool                         # the response itself is signed


def heard(text: str, certificates: tuple[str, ...], now: int) -> Heard:
    """The response of this form field, signed by one of the certificates in PEM; NotSignedIn. `now` is ms UTC."""
    raw = _decoded(text)
    root = _parsed(raw)
    status = root.find(f"{SPOKEN}Status/{SPOKEN}StatusCode")
    if status is None or status.get("Value") != SUCCESS:
        raise NotSignedIn("the provider signed nobody in", hint="begin again in your terminal")
    assertion = _only_assertion(root)
    places = [(element, path) for element, path in ((root, "./"), (assertion, f"./{ASSERTED}Assertion/"))
              if element.find(f"{SIGNED}Signature") is not None]
    if not places:
        raise NotSignedIn("the provider's answer is not signed")
    if len(list(root.iter(f"{SIGNED}Signature"))) != len(places):
        raise NotSignedIn("the provider's answer has a signature where none belongs")
    valid = _valid(certificates, now)
    covered = [_covered(raw, path, str(element.tag), element.get("ID"), valid, now) for element, path in places]
    innermost = covered[-1]
    if innermost.tag == f"{SPOKEN}Response":
        innermost = innermost.findall(f"{ASSERTED}Assertion")[0]
    return Heard(innermost, root.get("Destination"), root.get("InResponseTo"), places[0][0] is root)


def _decoded(text: str) -> bytes:
    packed = "".join(text.split())
    if not 0 < len(packed) <= MOST * 4 // 3 + 4:
        raise NotSignedIn("the provider's answer is empty, or too large")
    try:
        return base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError) as cause:
        raise NotSignedIn("the provider's answer cannot be read") from cause


def _parser() -> Any:
    """Nothing is fetched or replaced, whatever the document names; UTF-8, whatever it says."""
    from lxml import etree

    return etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, dtd_validation=False,
                           attribute_defaults=False, huge_tree=False, encoding="utf-8")


def _parsed(raw: bytes) -> Any:
    from lxml import etree

    if b"<!DOCTYPE" in raw:             # before a parser sees what it declares
        raise NotSignedIn("the provider's answer declares a document type")
    try:
        root = etree.fromstring(raw, parser=_parser())
    except (etree.LxmlError, ValueError) as cause:
        raise NotSignedIn("the provider's answer cannot be read") from cause
    about = root.getroottree().docinfo
    if any(one is not None for one in (about.internalDTD, about.externalDTD, next(root.iter(etree.Entity), None))):
        raise NotSignedIn("the provider's answer declares a document type")
    if root.tag != f"{SPOKEN}Response" or root.get("Version") != "2.0":
        raise NotSignedIn("the provider's answer is no response of SAML 2.0")
    if sum(1 for _ in root.iter()) > MOST_ELEMENTS:
        raise NotSignedIn("the provider's answer is empty, or too large")
    return root


def _only_assertion(root: Any) -> Any:
    if next(root.iter(f"{ASSERTED}EncryptedAssertion"), None) is not None:
        raise NotSignedIn("the provider encrypts its assertions, which is not taken here",
                          hint="turn their encryption off there: they come over TLS, and are signed")
    found = list(root.iter(f"{ASSERTED}Assertion"))
    if len(found) != 1 or found[0].getparent() is not root:
        raise NotSignedIn("the provider's answer holds no assertion, or several, or one in a wrong place")
    return found[0]


def _valid(certificates: tuple[str, ...], now: int) -> list[Certificate]:
    at = datetime.fromtimestamp(now / 1000, UTC)
    known = [load_pem_x509_certificate(one.encode()) for one in certificates]
    found = [one for one in known if one.not_valid_before_utc <= at <= one.not_valid_after_utc]
    if not found:
        raise NotSignedIn("the certificate of the provider that the repository names is out of date")
    return found


def _covered(
    raw: bytes, path: str, tag: str, ident: str | None, certificates: list[Certificate], now: int
) -> ElementTree.Element:
    """The element of that tag and ID, as the signature below `path` covers it."""
    result = next((one for one in (_checked(raw, path, each, now) for each in certificates) if one), None)
    if result is None:
        raise NotSignedIn("the provider's answer is signed by no key that the repository names")
    reference = result.signature_xml.find(f"{SIGNED}SignedInfo/{SIGNED}Reference")
    transforms = {one.get("Algorithm") for one in reference.iter(f"{SIGNED}Transform")}
    seen = ElementTree.fromstring(result.signed_data)   # noqa: S314 - canonical, and signed by the provider
    if not ident or reference.get("URI") != f"#{ident}" or not transforms <= TRANSFORMS or ENVELOPED not in transforms:
        raise NotSignedIn("the signature in the provider's answer is about something else")
    if seen.tag != tag or seen.get("ID") != ident:
        raise NotSignedIn("the signature in the provider's answer is about something else")
    return seen


def _checked(raw: bytes, path: str, certificate: Certificate, now: int) -> Any:
    """What the library says of the signature there; None when it does not hold by this certificate."""
    from lxml import etree
    from signxml.algorithms import DigestAlgorithm, SignatureMethod
    from signxml.exceptions import SignXMLException
    from signxml.verifier import SignatureConfiguration, XMLVerifier

    wanted = SignatureConfiguration(
        location=path, expect_references=1, ignore_ambiguous_key_info=True,
        signature_methods=frozenset(SignatureMethod[one] for one in METHODS),
        digest_algorithms=frozenset(DigestAlgorithm[one] for one in DIGESTS),
        verification_time=datetime.fromtimestamp(now / 1000, UTC))
    try:
        return XMLVerifier().verify(raw, x509_cert=certificate, expect_config=wanted, id_attribute="ID",
                                    parser=_parser())
    except (SignXMLException, etree.LxmlError, UnsupportedAlgorithm, ValueError, TypeError, AttributeError, KeyError):
        return None                     # strangers write this document, and choose how it is broken
