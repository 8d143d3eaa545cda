"""Secrets that somebody wrote down are refused with their place, and never repeated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guru_policy.loading import load
from guru_policy.text.plaintext_secrets import MOST, plaintext_secrets
from guru_policy.tree import MemoryTree
from tests.policy.writing import BASE

AWS = "AKIA" + "IOSFODNN7EXAMPL2"


@pytest.mark.parametrize(("line", "what"), [
    ("content: |\n  -----BEGIN OPENSSH " + "PRIVATE KEY-----", "a private key"),
    ("-----BEGIN " + "PRIVATE KEY-----", "a private key"),
    ("id: AGE-SECRET-KEY-1" + "Q" * 58, "an age identity"),
    ("t: gurut_" + "0" * 16 + "_" + "x" * 43, "a token of this server"),
    (f"key: {AWS}", "an AWS access key"),
    ("# token ghp_" + "a" * 36, "a GitHub token"),
    ("t: glpat-" + "a" * 20, "a GitLab token"),
    ("t: xoxb-" + "1" * 12, "a Slack token"),
    ("url: https://hooks.slack" + ".com/services/T00000000/B00000000/" + "x" * 24, "a Slack webhook"),
    ("k: AIza" + "a" * 35, "a Google API key"),
    ("k: sk_live_" + "a" * 24, "a Stripe key"),
    ("t: eyJ" + "a" * 20 + ".eyJ" + "b" * 20 + "." + "c" * 20, "a JSON web token"),
    ("url: https://robin:hunter2@git.example/x", "a password in a URL"),
    ("password: hunter2!", "a secret by the name of its field"),
    ("      DB_PASSWORD: 'hunter2'", "a secret by the name of its field"),
    ("  - client-secret: abcd1234", "a secret by the name of its field"),
    ("psk: correct horse", "a secret by the name of its field"),
    ("{user: robin, password: hunter2}", "a secret by the name of its field"),
])
def test_what_looks_like_a_secret_is_found(line: str, what: str) -> None:
    assert [found.what for found in plaintext_secrets(line.encode(), named=True)] == [what]


@pytest.mark.parametrize("line", [
    "password: {secretRef: db}", "password: ${DB_PASSWORD}", "password: |", "password: <from the vault>",
    "passwordless: true", "password: true", "secret: null", "# see the password policy: rotate it",
    "url: https://git.example:8443/a@b", "url: https://robin@git.example/x", "sign: webhook-key",
    "content: the secret of success", "keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI]",
    "-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----BEGIN CERTIFICATE-----",
    f"key: {AWS}  # guru:not-a-secret", f"# guru:not-a-secret\nkey: {AWS}",
])
def test_what_is_none_is_left_alone(line: str) -> None:
    assert list(plaintext_secrets(line.encode(), named=True)) == []


def test_the_fault_names_the_place_and_not_the_secret() -> None:
    text = ("apiVersion: guru/v1\nkind: Policy\nmetadata: {name: p}\nspec:\n  resources:\n"
            f"    f: {{kind: file, path: /etc/aws, content: {AWS}}}\n")
    fault, = load(MemoryTree(BASE | {"customers/acme/p.yaml": text})).faults

    assert str(fault.origin) == "customers/acme/p.yaml:6:46"
    assert fault.message == "this looks like an AWS access key, written in plain text"
    assert AWS not in str(fault)


def test_a_file_that_devices_get_is_looked_at_too() -> None:
    policy = ("apiVersion: guru/v1\nkind: Policy\nmetadata: {name: p}\nspec:\n  resources:\n"
              "    f: {kind: file, path: /etc/key, source: files/key.pem}\n")
    key = "# the key\n-----BEGIN RSA " + "PRIVATE KEY-----\n"
    files = BASE | {"org/p.yaml": policy, "files/key.pem": key, "files/other.pem": key}

    assert [str(fault.origin) for fault in load(MemoryTree(files)).faults] == ["files/key.pem:2:1"]


def test_a_file_of_ours_that_devices_get_is_looked_at_as_well() -> None:
    policy = ("apiVersion: guru/v1\nkind: Policy\nmetadata: {name: p}\nspec:\n  resources:\n"
              "    f: {kind: file, path: /etc/key, source: files/key.yaml}\n")
    files = BASE | {"org/p.yaml": policy, "files/key.yaml": f"id: {AWS}\n"}

    assert [str(fault.origin) for fault in load(MemoryTree(files)).faults] == ["files/key.yaml:1:5"]


def test_a_file_full_of_them_is_cut_short() -> None:
    assert len(list(plaintext_secrets(f"{AWS}\n".encode() * 1000, named=True))) == MOST


@given(st.binary(max_size=2000))
def test_any_bytes_are_read(data: bytes) -> None:
    for found in plaintext_secrets(data, named=True):
        assert 1 <= found.line <= data.count(b"\n") + 1
