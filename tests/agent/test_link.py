"""The link against a real server double: who is believed, what is sent, what is taken."""

from __future__ import annotations

import asyncio

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guru_policy.bundle import PlacedResource, digest_of
from guru_wire.manifest import seal_manifest
from tests.agent.conftest import Parts
from tests.agent.link_server import Certificates, Fleet, LinkServer, now_ms, until

BIG = bytes(range(256)) * 3000          # three chunks


def a_file(identifier: str = "motd", content: str = "hello\n") -> PlacedResource:
    return PlacedResource(id=identifier, kind="file", spec={"path": f"/etc/{identifier}", "content": content})


async def test_both_sides_prove_who_they_are_and_the_spool_goes_up(
    parts: Parts, fleet: Fleet, server: LinkServer
) -> None:
    parts.spool.add_sample(b'["abc",1,[1.0]]')
    parts.spool.add_result("refusal", b'{"at":1,"code":"G0495","message":"x"}', same="x", subject="refusal")
    async with parts.linked():
        await until(lambda: parts.spool.depth.items == 0)

    assert [item["kind"] for item in fleet.items] == ["sample", "refusal"]
    assert fleet.hellos[0].device == fleet.device
    assert parts.link[0] == ("up", "websocket")


async def test_a_server_without_the_link_key_hears_nothing(
    parts: Parts, fleet: Fleet, server: LinkServer
) -> None:
    fleet.link_key = Ed25519PrivateKey.generate()
    parts.spool.add_sample(b'["abc",1,[1.0]]')
    async with parts.linked():
        await until(lambda: len(fleet.hellos) > 2)

    assert fleet.items == []
    assert ("up", "websocket") not in parts.link


async def test_a_server_of_another_authority_gets_no_hello(
    parts: Parts, fleet: Fleet, server: LinkServer, tmp_path
) -> None:
    await server.stop()
    fleet.certificates = Certificates(tmp_path)
    await server.start()
    async with parts.linked():
        await until(lambda: len(parts.link) > 2)

    assert fleet.hellos == []


async def test_a_state_is_taken_with_every_blob_it_names(
    parts: Parts, fleet: Fleet, server: LinkServer
) -> None:
    async with parts.linked():
        await until(lambda: ("up", "websocket") in parts.link)
        fleet.publish(fleet.bundle(a_file()), BIG)
        await server.announce()
        await until(lambda: parts.desired.serial == 1)

    assert parts.blobs.read(digest_of(BIG)) == BIG
    assert Parts(parts.folder).desired.current == parts.desired.current


async def test_a_state_that_is_there_at_the_handshake_needs_no_announcement(
    parts: Parts, fleet: Fleet, server: LinkServer
) -> None:
    fleet.publish(fleet.bundle(a_file()))
    async with parts.linked():
        await until(lambda: parts.desired.serial == 1)

    assert parts.desired.current is not None
    assert parts.desired.current.bundle.resources[0].id == "motd"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"device": "f" * 32}, "not for this one"),
        ({"serial": 1}, "replayed"),
        ({"expires_at": 1}, "expired"),
    ],
    ids=["of-another-device", "replayed", "expired"],
)
async def test_a_wrong_manifest_is_refused_and_reported(
    parts: Parts, fleet: Fleet, server: LinkServer, changes: dict, reason: str
) -> None:
    fleet.publish(fleet.bundle(a_file()))
    fleet.publish(fleet.bundle(a_file()))
    async with parts.linked():
        await until(lambda: parts.desired.serial == 2)
        fleet.publish(fleet.bundle(a_file(content="evil")), **changes)
        await server.announce()
        await until(lambda: fleet.of("refusal"))

    assert reason in fleet.of("refusal")[0]["message"]
    assert parts.desired.serial == 2


async def test_an_altered_manifest_is_refused_and_reported(
    parts: Parts, fleet: Fleet, server: LinkServer
) -> None:
    fleet.publish(fleet.bundle(a_file()))
    assert fleet.manifest is not None
    payload = fleet.manifest.payload.replace("a" * 40, "b" * 40)
    fleet.manifest = fleet.manifest.model_copy(update={"payload": payload})
    async with parts.linked():
        await until(lambda: fleet.of("refusal"))

    assert "signature" in fleet.of("refusal")[0]["message"]
    assert parts.desired.current is None


async def test_a_manifest_of_another_signer_is_refused(
    parts: Parts, fleet: Fleet, server: LinkServer
) -> None:
    manifest = fleet.publish(fleet.bundle(a_file()))
    fleet.manifest = seal_manifest(fleet.link_key, manifest)
    async with parts.linked():
        await until(lambda: fleet.of("refusal"))

    assert parts.desired.current is None


async def test_a_blob_with_another_content_is_refused_and_nothing_is_taken(
    parts: Parts, fleet: Fleet, server: LinkServer
) -> None:
    fleet.publish(fleet.bundle(a_file()), BIG)
    fleet.blobs[digest_of(BIG)] = b"evil" + BIG[4:]
    async with parts.linked():
        await until(lambda: fleet.of("refusal"))

    assert parts.desired.current is None
    assert not parts.blobs.has(digest_of(BIG))


async def test_a_blob_that_tears_on_disk_is_fetched_again(
    parts: Parts, fleet: Fleet, server: LinkServer
) -> None:
    fleet.publish(fleet.bundle(a_file()), BIG)
    async with parts.linked():
        await until(lambda: parts.desired.serial == 1)
        parts.blobs.path(digest_of(BIG)).write_bytes(BIG[:1000])
        with pytest.raises(Exception, match="torn"):
            parts.blobs.read(digest_of(BIG))
        await until(lambda: parts.blobs.has(digest_of(BIG)))

    assert parts.blobs.read(digest_of(BIG)) == BIG


async def test_a_download_goes_on_where_it_was_cut(
    parts: Parts, fleet: Fleet, server: LinkServer
) -> None:
    parts.blobs.append(digest_of(BIG), 0, BIG[:300_000])
    fleet.publish(fleet.bundle(a_file()), BIG)
    async with parts.linked():
        await until(lambda: parts.desired.serial == 1)

    assert fleet.fetched.count(digest_of(BIG)) == 2


async def test_what_was_sent_before_the_link_was_cut_is_not_sent_twice(
    parts: Parts, fleet: Fleet, server: LinkServer
) -> None:
    fleet.acknowledges = False
    parts.spool.add_sample(b'["abc",1,[1.0]]')
    async with parts.linked():
        await until(lambda: len(fleet.items) == 1)
        await server.stop()
        fleet.acknowledges = True
        await server.start()
        parts.spool.add_sample(b'["abc",2,[2.0]]')
        await until(lambda: parts.spool.depth.items == 0)

    assert [body[1] for body in fleet.of("sample")] == [1, 2]


async def test_a_frozen_link_is_given_up_and_made_anew(
    parts: Parts, fleet: Fleet, server: LinkServer
) -> None:
    fleet.acknowledges = False
    parts.spool.add_sample(b'["abc",1,[1.0]]')
    async with parts.linked(ack_timeout=0.1):
        await until(lambda: len(fleet.hellos) > 1)

    assert len(fleet.items) == 1


async def test_a_spool_older_than_the_mark_begins_anew(
    parts: Parts, fleet: Fleet, server: LinkServer
) -> None:
    fleet.marks[parts.spool.id] = 1000
    before = parts.spool.id
    parts.spool.add_sample(b'["abc",1,[1.0]]')
    async with parts.linked():
        await until(lambda: parts.spool.depth.items == 0)

    assert parts.spool.id != before
    assert len(fleet.items) == 1


async def test_a_revoked_device_stops_dialling(
    parts: Parts, fleet: Fleet, server: LinkServer
) -> None:
    fleet.revoked = True
    async with parts.linked():
        await until(lambda: len(fleet.hellos) == 1)
        await asyncio.sleep(0.3)

    assert len(fleet.hellos) == 1


async def test_a_wrong_clock_does_not_keep_manifests_out(
    parts: Parts, fleet: Fleet, server: LinkServer
) -> None:
    fleet.publish(fleet.bundle(a_file()), expires_at=now_ms() + 60_000)
    parts.clock.learn(now_ms() + 10 * 365 * 86_400_000)
    async with parts.linked():
        await until(lambda: parts.desired.serial == 1)

    assert abs(parts.clock.now() - now_ms()) < 60_000


async def test_a_server_clock_that_was_set_back_under_a_link_keeps_no_manifest_out(
    parts: Parts, fleet: Fleet, server: LinkServer
) -> None:
    fleet.publish(fleet.bundle(a_file()))
    async with parts.linked():
        await until(lambda: parts.desired.serial == 1)
        parts.clock.learn(now_ms() + 10 * 365 * 86_400_000)
        fleet.publish(fleet.bundle(a_file(content="later")))
        await server.announce()
        await until(lambda: parts.desired.serial == 2)

    assert fleet.of("refusal") == []
    assert len(fleet.hellos) == 2
