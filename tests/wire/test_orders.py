"""Signed orders: a proof for each device, worthless for any other; times that an order must have."""

from __future__ import annotations

import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from guru_policy.errors import Untrusted
from guru_wire.orders import (
    MAX_LIFE_MS,
    Authority,
    Command,
    Expired,
    Order,
    Proof,
    open_authority,
    open_order,
    root_of,
    seal_authority,
    seal_order,
    tree,
)
from guru_wire.signing import public_bytes

KEY = Ed25519PrivateKey.generate()
PUBLIC = public_bytes(KEY)
NOW = 1_700_000_000_000


def ids(count: int) -> list[str]:
    return [f"{number:032x}" for number in range(count)]


@given(st.integers(min_value=1, max_value=200))
def test_every_device_leads_to_the_root_and_no_other_does(count: int) -> None:
    devices, nonces = ids(count), [f"{number:032d}" for number in range(count)]
    root, proofs = tree(devices, nonces)

    assert all(root_of(device, proof) == root for device, proof in zip(devices, proofs, strict=True))
    assert all(root_of("f" * 32, proof) != root for proof in proofs)
    assert all(len(proof.path) <= 8 for proof in proofs)


@given(st.integers(min_value=2, max_value=64), st.data())
def test_a_proof_of_one_device_is_none_of_another(count: int, data: st.DataObject) -> None:
    devices = ids(count)
    root, proofs = tree(devices, [secrets.token_hex(16) for _ in devices])
    mine, theirs = data.draw(st.permutations(range(count)))[:2]

    assert root_of(devices[mine], proofs[theirs]) != root


def test_an_inner_node_is_no_device() -> None:
    root, proofs = tree(ids(4), ["n"] * 4)
    shorter = [proof._replace(path=proof.path[1:], place=proof.place >> 1) for proof in proofs]

    assert all(root_of(device, proof) != root for device, proof in zip(ids(4), shorter, strict=True))
    with pytest.raises(Untrusted):
        root_of("a", Proof("n", 0, ("no hex",)))


@pytest.mark.parametrize(("issued", "expires", "error"), [
    (NOW, NOW + 1000, None), (NOW, NOW, Untrusted), (NOW + 5, NOW, Untrusted), (NOW - 10, NOW, Expired),
    (NOW, NOW + MAX_LIFE_MS + 1, Untrusted),
])
def test_an_order_has_sensible_times(issued: int, expires: int, error: type[Untrusted] | None) -> None:
    [device] = ids(1)
    root, [proof] = tree([device], ["n"])
    order = Order(job="a" * 32, root=root, issued_at=issued, expires_at=expires, command=Command(argv=("true",)))
    signed = seal_order(KEY, order)

    if error is None:
        assert open_order(signed, proof, key=PUBLIC, device=device, now=NOW) == order
    else:
        with pytest.raises(error):
            open_order(signed, proof, key=PUBLIC, device=device, now=NOW)


def test_an_authority_ends_and_an_order_is_none() -> None:
    made = Authority(key="k", issued_at=NOW, expires_at=NOW + 10)
    signed = seal_authority(KEY, made)

    assert open_authority(signed, state_key=PUBLIC, now=NOW) == made
    with pytest.raises(Untrusted, match="expired"):
        open_authority(signed, state_key=PUBLIC, now=NOW + 10)
    with pytest.raises(Untrusted, match="signature"):
        open_order(signed, Proof("n", 0, ()), key=PUBLIC, device="d", now=NOW)


@pytest.mark.parametrize("fields", [
    {"timeout": 0}, {"timeout": 90_000}, {"output": 17 << 20}, {"argv": ["x"] * 1001}, {"script": "x" * 300_000},
    {"stdin": "A" * 400_000}, {"look": "anything"}, {"run_as": "root"},
])
def test_a_command_is_bounded(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Command.model_validate(fields)
