"""A fleet repository with one Secret, encrypted for two people, for tests of `guru secrets`. It talks to nobody."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pyrage
from pyrage import x25519

VALUE = b"correct horse battery staple"
SECRET = """\
# what acme's backup needs
apiVersion: guru/v1
kind: Secret
metadata: {name: pw}
spec:
  file: customers/acme/secrets/pw.age       # encrypted
  recipients:
    # who keeps it
    ada: ADA                                # ada's laptop
    safe: SAFE
    # and no more
"""


class Kept(NamedTuple):
    """The folder, and Ada's identity as a file and as a key."""

    folder: Path
    identity: Path
    ada: x25519.Identity
    safe: x25519.Identity

    @property
    def file(self) -> Path:
        """The encrypted file."""
        return self.folder / "customers/acme/secrets/pw.age"

    @property
    def yaml(self) -> Path:
        """The Secret object's file."""
        return self.folder / "customers/acme/secrets.yaml"

    def opened(self, identity: x25519.Identity | None = None) -> bytes:
        """The value, by Ada's key or another."""
        return bytes(pyrage.decrypt(self.file.read_bytes(), [identity or self.ada]))


def kept(folder: Path) -> Kept:
    """Make it."""
    ada, safe = x25519.Identity.generate(), x25519.Identity.generate()
    made = Kept(folder, folder.parent / "ada.key", ada, safe)
    made.file.parent.mkdir(parents=True)
    for path, kind in (("fleet.yaml", "Fleet"), ("customers/acme/customer.yaml", "Customer")):
        name = "acme" if kind == "Customer" else "test"
        (folder / path).write_text(f"apiVersion: guru/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{}}\n")
    text = SECRET.replace("ADA", str(ada.to_public())).replace("SAFE", str(safe.to_public()))
    made.yaml.write_text(text)
    made.file.write_bytes(pyrage.encrypt(VALUE, [ada.to_public(), safe.to_public()]))
    made.identity.write_text(f"# created by age-keygen\n{ada}\n")
    made.identity.chmod(0o600)
    return made
