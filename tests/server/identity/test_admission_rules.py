"""Who joins without waiting is what the repository in force says: a real one, and the wired application."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_policy.admitting import Admission, Applicant
from guru_policy.inventory import Place
from guru_server.in_force import InForce
from guru_server.reconcile.tables import customer_source
from guru_server.store.database import Database
from guru_server.store.schema import TENANT
from guru_wire.enrolment import EnrolmentToken, enrol_bytes, read_token
from guru_wire.signing import public_bytes, sign
from tests.server.reconcile.conftest import ident, world
from tests.server.rights.conftest import Office, office

__all__ = ["ident", "office", "world"]

LOCAL = "127.0.0.1/32"                  # where the test's own client is
MACHINE = "cd" * 32


def site(enrolment: str) -> Mapping[str, str]:
    return {"customers/acme/sites/hq/site.yaml":
            f"apiVersion: guru/v1\nkind: Site\nmetadata: {{name: hq}}\nspec:\n  enrolment: {enrolment}\n"}


async def token(office: Office, **more: object) -> EnrolmentToken:
    asked = {"customer": "acme", "site": "hq", "uses": 9, **more}
    answer = await office.http.post("/enrolment-tokens", json=asked)
    assert answer.status_code == 201, answer.text
    return read_token(answer.json()["token"])


async def joins(office: Office, given: EnrolmentToken, name: str, hardware: str = "", **facts: str) -> str:
    """Whether it came in: `in`, `waits`, or the refusal."""
    key = Ed25519PrivateKey.generate()
    public = base64.b64encode(public_bytes(key)).decode()
    proof = sign(key, "enrol", enrol_bytes(token_id=given.id, public_key=public, name=name))
    answer = await office.http.post("/enrol", json={
        "language": 6, "token_id": given.id, "token_secret": given.secret, "public_key": public, "name": name,
        "facts": {"os": "linux", **facts}, "agent_version": "1.0", "hardware": hardware,
        "proof": base64.b64encode(proof).decode(),
    })
    if answer.status_code != 200:
        return str(answer.json()["detail"])
    return "in" if answer.json()["approved"] else "waits"


async def test_rules_of_the_repository_let_in_whom_a_token_or_the_site_would_have_wait(office: Office) -> None:
    rules = f"[{{os: [windows]}}, {{addresses: [{LOCAL}], sealedKey: true}}]"
    await office.push(site(f"{{wait: everybody, admit: {rules}}}"))
    free, asking = await token(office), await token(office, approve=True)
    found = [
        await joins(office, free, "new1"), await joins(office, free, "new2", os="windows"),
        await joins(office, asking, "new3", device_key="tpm"), await joins(office, asking, "new4", device_key="file"),
    ]
    log = await office.audited("DeviceEnrolled")

    assert found == ["waits", "in", "in", "waits"]
    assert [said.partition(", which ")[2] for _, _, said in log[-2:]] == [
        f"customers/acme/sites/hq/site.yaml: enrolment.admit[{at}] lets in" for at in (0, 1)]


async def test_who_looks_odd_waits_whatever_a_rule_says_and_without_a_word_of_git_the_token_decides(
    office: Office
) -> None:
    free, asking = await token(office), await token(office, approve=True)
    before = [await joins(office, free, "new1", MACHINE), await joins(office, asking, "new2")]
    await office.push(site(f"{{admit: [{{addresses: [{LOCAL}]}}]}}"))
    elsewhere = await token(office, addresses=["203.0.113.0/24"])
    after = [await joins(office, asking, "new3"), await joins(office, asking, "new4", MACHINE),
             await joins(office, elsewhere, "new5")]

    assert (before, after) == (["in", "waits"], ["in", "waits", "waits"])


async def test_a_fleet_that_wants_sealed_keys_refuses_others_at_every_site(office: Office) -> None:
    await office.push({"fleet.yaml": "apiVersion: guru/v1\nkind: Fleet\nmetadata: {name: fleet}\n"
                                     "spec: {enrolment: {sealedKey: true}}\n"})
    given = await token(office)

    assert "whose key a TPM seals" in await joins(office, given, "new1", device_key="file")
    assert await joins(office, given, "new2", device_key="tpm") == "in"


async def test_while_what_is_in_force_is_not_read_everybody_waits(db: Database) -> None:
    row = {"tenant": TENANT, "customer": "acme", "customer_revision": "a" * 40, "reason": "", "faults": "[]",
           "since": 0}
    await db.write(lambda connection: connection.execute(customer_source.insert().values(row)).close())
    asked = await InForce(db, None).admissions()
    one = Applicant("127.0.0.1", "linux", sealed=True)

    assert asked(Place("acme", "hq"), one) == Admission(wait=True)
    assert asked(Place("nobody", "hq"), one) == Admission()
