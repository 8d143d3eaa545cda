"""Key files opened and written, sealed under a passphrase or not. Small imports only: the signer loads this.

A sealed file is PKCS #8 with PBES2 (RFC 8018), as `openssl pkey` reads it; age.key is an age file for a passphrase.
The passphrase is read from a file: systemd's credential `guru-keys` (LoadCredentialEncrypted), or one that is named.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from guru_policy.errors import InputInvalid
from guru_server.keys import files

LEAST = 32                              # characters: it is to be random, since little stretches it
CREDENTIAL = "guru-keys"
AGE_FILE = b"age-encryption.org/"
Private = Ed25519PrivateKey | EllipticCurvePrivateKey


def passphrase_in(file: Path | None, credentials: Path | None) -> bytes | None:
    """What opens sealed keys: of the named file, else of systemd's credential; None without either."""
    if file is None and credentials is not None and (credentials / CREDENTIAL).is_file():
        file = credentials / CREDENTIAL
    if file is None:
        return None
    found = files.read(file).strip()
    if len(found) < LEAST:
        raise InputInvalid(
            f"the passphrase in {file} is shorter than {LEAST} characters",
            hint=f"make one: openssl rand -base64 32 > {file}",
        )
    return found


def is_sealed(data: bytes) -> bool:
    """Whether a key file is encrypted."""
    return b"BEGIN ENCRYPTED PRIVATE KEY" in data or data.startswith(AGE_FILE)


def private(path: Path, passphrase: bytes | None) -> Private:
    """The key in the file; InputInvalid when it is damaged or sealed under another passphrase."""
    data = files.read(path)
    if is_sealed(data) and passphrase is None:
        raise InputInvalid(
            f"the key file {path} is sealed, and nothing opens it",
            hint="name the file with the passphrase in signer.passphrase_file, or load the credential guru-keys",
        )
    try:
        key = load_pem_private_key(data, passphrase if is_sealed(data) else None)
    except (ValueError, TypeError) as cause:
        if is_sealed(data):
            raise InputInvalid(
                f"the key file {path} does not open with this passphrase", hint="or it is damaged: look at a backup"
            ) from cause
        raise damaged(path) from cause
    if not isinstance(key, Ed25519PrivateKey | EllipticCurvePrivateKey):
        raise damaged(path)
    return key


def edwards(path: Path, passphrase: bytes | None) -> Ed25519PrivateKey:
    """The same, of Ed25519."""
    key = private(path, passphrase)
    if not isinstance(key, Ed25519PrivateKey):
        raise damaged(path)
    return key


def elliptic(path: Path, passphrase: bytes | None) -> EllipticCurvePrivateKey:
    """The same, of ECDSA."""
    key = private(path, passphrase)
    if not isinstance(key, EllipticCurvePrivateKey):
        raise damaged(path)
    return key


def written(key: Private, passphrase: bytes | None) -> bytes:
    """The key as a file holds it."""
    how: KeySerializationEncryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


def damaged(path: Path) -> InputInvalid:
    """What is said of a file that holds no key."""
    return InputInvalid(f"the key file {path} is damaged", hint="bring it back from a backup")
