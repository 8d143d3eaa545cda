"""Trust moves from key to key by signatures alone: forged, replayed and foreign steps lead nowhere."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_policy.errors import Untrusted
from guru_wire.signing import Purpose, Signed, public_bytes, seal
from guru_wire.trusting import Succession, TrustWord, follow

A, B, C, EVE, LINK = (Ed25519PrivateKey.generate() for _ in range(5))


def text(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(public_bytes(key)).decode()


def step(old: Ed25519PrivateKey, new: Ed25519PrivateKey, serial: int = 1) -> Signed:
    return seal(old, "succession", Succession(key=text(new), serial=serial, issued_at=1).model_dump_json())


def word(key: Ed25519PrivateKey, serial: int = 5, purpose: Purpose = "trust") -> Signed:
    told = TrustWord(serial=serial, link_key=text(LINK), ca="PEM", issued_at=1)
    return seal(key, purpose, told.model_dump_json())


def test_whoever_was_away_for_long_walks_the_whole_chain_and_others_its_end() -> None:
    chain = [step(A, B), step(B, C, 2)]

    assert follow(text(A), 1, chain, word(C)).left == (text(A), text(B))
    assert follow(text(B), 5, chain, word(C)).state_key == text(C)
    assert follow(text(C), 5, chain, word(C)) == (text(C), text(LINK), "PEM", 5, ())


@pytest.mark.parametrize(("chain", "said"), [
    ([], word(B)),                                                          # nobody vouched for B
    ([step(EVE, B)], word(B)),                                              # a stranger did
    ([step(EVE, EVE).model_copy(update={"key": step(A, B).key})], word(EVE)),
    ([step(B, C), step(A, B)], word(C)),                                    # out of order: it ends at B
    ([step(A, B)], word(A)),                                                # the key before has no say any more
    ([], word(A, purpose="manifest")),                                      # signed, and for something else
    ([], word(A, serial=4)),                                                # an older word
])
def test_what_does_not_lead_from_the_pinned_key_is_refused(chain: list[Signed], said: Signed) -> None:
    with pytest.raises(Untrusted):
        follow(text(A), 5, chain, said)
