"""The stores of trusted certificates that platforms have. Looks and plans; never touches the machine.

Debian: update-ca-certificates(8). Fedora and Red Hat: update-ca-trust(8). macOS: `security find-certificate -a -Z`
prints `SHA-256 hash: HEX` and `SHA-1 hash: HEX` (security(1)). Windows: the provider `Cert:`, where a certificate's
path ends in its thumbprint (about_Certificate_Provider).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, Protocol, cast

from guru_policy import powershell
from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.model import Carried
from guru_policy.powershell import quoted
from guru_policy.resources.certificates import Read
from guru_policy.steps import Execute, Remove, Step, WriteFile, change_system

StoreName = Literal["root", "intermediate", "people"]
_LARGEST = 8 << 20                      # bytes of a bundle
_KEYCHAIN = "/Library/Keychains/System.keychain"
_WINDOWS = {"root": "Root", "intermediate": "CA", "people": "TrustedPeople"}


class Store(Protocol):
    """One machine's store, for one certificate. What `look` gives, `steps` understands."""

    async def look(self, host: Host) -> object: ...

    def steps(self, found: object, *, wanted: bool) -> Iterator[Step]: ...


async def store_of(host: Host, name: str, read: Read, store: StoreName) -> Store:
    """The store of this machine. CannotLook where that is none we know."""
    if host.platform == "windows":
        return WindowsStore(read, _WINDOWS[store])
    if host.platform == "macos":
        return Keychain(read)
    if await host.stat("/usr/sbin/update-ca-certificates") is not None:
        return Bundle(
            read, f"/usr/local/share/ca-certificates/guru-{name}.crt", "/etc/ssl/certs/ca-certificates.crt",
            ("update-ca-certificates",), ("update-ca-certificates", "--fresh"),
            trace=f"/etc/ssl/certs/guru-{name}.pem",
        )
    if await host.stat("/usr/bin/update-ca-trust") is not None:
        return Bundle(
            read, f"/etc/pki/ca-trust/source/anchors/guru-{name}.pem",
            "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
            ("update-ca-trust", "extract"), ("update-ca-trust", "extract"),
        )
    raise CannotLook("this machine has no store of certificates that is known", hint="install ca-certificates")


class BundleState(NamedTuple):
    """The file's content, whether the bundle has the certificate, and whether a trace of it is left."""

    kept: bytes | None
    trusted: bool
    trace: bool


class Bundle(NamedTuple):
    """Linux: a file of its own, from which a program makes the bundle that others read."""

    read: Read
    path: str
    bundle: str
    add: tuple[str, ...]
    take_out: tuple[str, ...]
    trace: str = ""

    async def look(self, host: Host) -> BundleState:
        """See Store."""
        bundle = await host.read(self.bundle, _LARGEST) or b""
        trace = bool(self.trace) and await host.stat(self.trace) is not None
        return BundleState(await host.read(self.path), self.read.pem.strip().encode() in bundle, trace)

    def steps(self, found: object, *, wanted: bool) -> Iterator[Step]:
        """See Store. Another file may bring the same certificate, so its absence is judged by ours."""
        now = cast(BundleState, found)
        content = self.read.pem.encode()
        if not wanted:
            if now.kept is not None:
                yield Remove(self.path)
            if now.kept is not None or now.trace:
                yield change_system(*self.take_out)
            return
        if now.kept != content:
            yield WriteFile(self.path, content, mode=0o644, owner="root", group="root")
        if now.kept != content or not now.trusted:
            yield change_system(*self.add)


class Keychain(NamedTuple):
    """macOS: the System keychain."""

    read: Read

    async def look(self, host: Host) -> bool:
        """See Store."""
        done = await host.run(("security", "find-certificate", "-a", "-Z", _KEYCHAIN))
        if done.exit_code != 0:
            raise CannotLook(f"security failed: {' '.join(done.stderr.split())[:200]}")
        return f"SHA-256 hash: {self.read.sha256}" in done.stdout

    def steps(self, found: object, *, wanted: bool) -> Iterator[Step]:
        """See Store."""
        if wanted and not found:
            argv = ("security", "add-trusted-cert", "-d", "-r", "trustRoot", "-k", _KEYCHAIN, "/dev/stdin")
            yield Execute(argv, system=True, stdin=self.read.pem.encode())
        elif found and not wanted:
            yield change_system("security", "delete-certificate", "-Z", self.read.sha1, "-t", _KEYCHAIN)


class Held(Carried):
    """Whether a store of Windows has it."""

    held: bool


class WindowsStore(NamedTuple):
    """Windows: a store of the machine."""

    read: Read
    store: str

    async def look(self, host: Host) -> bool:
        """See Store."""
        script = f"ConvertTo-Json -Compress @{{ held = (Test-Path {self._path()}) }}"
        answer = await powershell.ask(host, script, Held)
        return answer is not None and answer.held

    def steps(self, found: object, *, wanted: bool) -> Iterator[Step]:
        """See Store."""
        where = f"certificate {self.read.sha1[:16]} in {self.store}"
        if wanted and not found:
            kind = "System.Security.Cryptography.X509Certificates.X509"
            yield powershell.tell(
                f"put {where}",
                f"$c = New-Object {kind}Certificate2(,[Convert]::FromBase64String({quoted(self.read.base64)}))",
                f"$s = New-Object {kind}Store({quoted(self.store)}, 'LocalMachine')",
                "$s.Open('ReadWrite')", "$s.Add($c)", "$s.Close()",
            )
        elif found and not wanted:
            yield powershell.tell(f"remove {where}", f"Remove-Item -LiteralPath {self._path()}")

    def _path(self) -> str:
        return quoted(f"Cert:\\LocalMachine\\{self.store}\\{self.read.sha1}")
