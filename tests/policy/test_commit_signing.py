"""Who may sign: what the Fleet object takes."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from guru_policy.commit_signing import Signing, ssh_fingerprint, stricter

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPnRyd0Zo5ZwCLbGMBOXzzL1ZCGvNDH1PqkZgBv7Ww7b"


def test_the_fingerprint_is_what_ssh_keygen_prints() -> None:
    assert ssh_fingerprint(f"{KEY} alice@laptop") == "SHA256:ftnoqgJu8jyXd6hp4zPYXfINk+TjQ10nqPn2TX0O8yY"


def test_a_comment_is_dropped_and_paths_are_everything_by_default() -> None:
    signing = Signing.model_validate({"mode": "strict", "signers": {"alice": {"keys": (f"{KEY} a@b",)}}})

    assert signing.signers["alice"].keys == (KEY,)
    assert signing.signers["alice"].paths == ("**",)


@pytest.mark.parametrize("key", [
    "ssh-dss AAAAB3NzaC1kc3MAAACBAP", "ssh-ed25519", "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAA", "ssh-ed25519 not/base64!",
    "-----BEGIN OPENSSH " + "PRIVATE KEY-----", f"{KEY}\n{KEY}",
    f'command="id" {KEY}',
])
def test_what_is_no_public_key_is_refused(key: str) -> None:
    with pytest.raises(ValidationError):
        Signing.model_validate({"signers": {"alice": {"keys": (key,)}}})


def test_one_key_of_two_signers_is_refused() -> None:
    with pytest.raises(ValidationError, match="alice and bob have the same key"):
        Signing.model_validate({"signers": {"alice": {"keys": (KEY,)}, "bob": {"keys": (f"{KEY} x",)}}})


def test_the_stricter_mode_wins() -> None:
    assert [stricter("none", "head"), stricter("strict", "head"), stricter("none", "none")] == [
        "head", "strict", "none"]
