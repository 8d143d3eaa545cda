"""Which signed commits may come into force, with real keys, a real remote and git's own verification."""

from __future__ import annotations

from pathlib import Path

import pytest

from guru_server.gitops.mirror import Mirror
from guru_server.gitops.trust import Pinned
from guru_server.gitops.verifying import Base, Verdict, Verifier
from tests.server.gitops.signing import PgpKey, SshKey, fleet_yaml, pgp_key, signed_push, ssh_key
from tools.lab.remote import Remote

ALL = ("**",)
ACME = ("customers/acme/**", "devices/acme/**")


class Keys:
    """Alice signs everything, Bob acme's files; Mallory nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.alice, self.bob, self.mallory = (ssh_key(folder, name) for name in ("alice", "bob", "mallory"))

    def fleet(self, mode: str) -> str:
        return fleet_yaml(mode, alice=(self.alice, ALL), bob=(self.bob, ACME))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("signers") / "keys")


class Judge:
    """A verifier with the moves that tests make; `base` is what is in force."""

    def __init__(self, remote: Remote, mirror: Mirror) -> None:
        self.remote, self.mirror, self.pinned = remote, mirror, Pinned()
        self.base: Base | None = None

    def start(self, key: SshKey | PgpKey | None, fleet: str) -> None:
        """The first revision in force."""
        self.base = Base(signed_push(self.remote, key, {"fleet.yaml": fleet}), "")

    async def of(self, tip: str) -> Verdict:
        await self.mirror.fetch()
        return await Verifier(self.mirror, self.pinned).verify(tip, self.base)

    async def push(self, key: SshKey | PgpKey | None, files: dict[str, str | None], message: str = "Change") -> Verdict:
        return await self.of(signed_push(self.remote, key, files, message))


@pytest.fixture
def judge(remote: Remote, mirror: Mirror) -> Judge:
    return Judge(remote, mirror)


async def test_nothing_is_checked_when_nobody_asks_for_it(judge: Judge) -> None:
    judge.base = Base(judge.remote.head(), "")

    assert await judge.push(None, {"a.yaml": "a: 1\n"}) == Verdict("unchecked")


@pytest.mark.parametrize("mode", ["head", "strict"])
async def test_a_trusted_signature_is_taken_and_any_other_is_refused(judge: Judge, keys: Keys, mode: str) -> None:
    judge.start(keys.alice, keys.fleet(mode))

    assert await judge.push(keys.alice, {"org/a.yaml": "a: 1\n"}) == Verdict("verified", "alice")
    unsigned = await judge.push(None, {"org/a.yaml": "a: 2\n"})
    assert unsigned.checked == "refused"
    assert "it is not signed" in unsigned.reason


async def test_a_key_that_nobody_named_is_refused(judge: Judge, keys: Keys) -> None:
    judge.start(keys.alice, keys.fleet("head"))
    verdict = await judge.push(keys.mallory, {"org/a.yaml": "a: 1\n"})

    assert verdict.checked == "refused"
    assert "not signed by a key that may sign" in verdict.reason


async def test_a_commit_cannot_vouch_for_itself(judge: Judge, keys: Keys) -> None:
    judge.start(keys.alice, keys.fleet("strict"))
    taken_over = fleet_yaml("none", mallory=(keys.mallory, ALL))

    assert (await judge.push(keys.mallory, {"fleet.yaml": taken_over})).checked == "refused"


@pytest.mark.parametrize("mode", ["head", "strict"])
async def test_a_signer_changes_its_own_paths_and_no_others(judge: Judge, keys: Keys, mode: str) -> None:
    judge.start(keys.alice, keys.fleet(mode))

    assert await judge.push(keys.bob, {"customers/acme/a.yaml": "a: 1\n"}) == Verdict("verified", "bob")
    beyond = await judge.push(keys.bob, {"customers/birch/a.yaml": "a: 1\n", "customers/acme/a.yaml": "a: 2\n"})
    assert beyond.checked == "refused"
    assert beyond.reason.endswith("bob may not change customers/birch/a.yaml")


async def test_head_looks_at_all_that_changed_since_what_is_in_force(judge: Judge, keys: Keys) -> None:
    judge.start(keys.alice, keys.fleet("head"))
    signed_push(judge.remote, None, {"org/hidden.yaml": "a: 1\n"})

    assert (await judge.push(keys.bob, {"customers/acme/a.yaml": "a: 1\n"})).checked == "refused"
    assert (await judge.push(keys.alice, {"customers/acme/a.yaml": "a: 2\n"})).checked == "verified"


async def test_strict_looks_at_every_commit_in_between(judge: Judge, keys: Keys) -> None:
    judge.start(keys.alice, keys.fleet("strict"))
    hidden = signed_push(judge.remote, None, {"org/hidden.yaml": "a: 1\n"})
    verdict = await judge.push(keys.alice, {"org/a.yaml": "a: 1\n"})

    assert verdict.checked == "refused"
    assert f"commit {hidden[:12]}: it is not signed" in verdict.reason


async def test_a_new_signer_may_sign_from_the_next_commit_on(judge: Judge, keys: Keys) -> None:
    judge.start(keys.alice, keys.fleet("strict"))
    more = fleet_yaml("strict", alice=(keys.alice, ALL), carol=(keys.mallory, ALL))
    signed_push(judge.remote, keys.alice, {"fleet.yaml": more})

    assert await judge.push(keys.mallory, {"org/a.yaml": "a: 1\n"}) == Verdict("verified", "carol")


async def test_a_removed_signer_is_refused_from_the_next_commit_on(judge: Judge, keys: Keys) -> None:
    judge.start(keys.alice, keys.fleet("strict"))
    signed_push(judge.remote, keys.alice, {"fleet.yaml": fleet_yaml("strict", alice=(keys.alice, ALL))})

    assert (await judge.push(keys.bob, {"customers/acme/a.yaml": "a: 1\n"})).checked == "refused"


async def test_a_merge_of_signed_branches_is_taken(judge: Judge, keys: Keys) -> None:
    judge.start(keys.alice, keys.fleet("strict"))
    judge.remote.git("checkout", "--quiet", "-b", "side")
    signed_push(judge.remote, keys.bob, {"customers/acme/a.yaml": "a: 1\n"})
    judge.remote.git("checkout", "--quiet", "main")
    signed_push(judge.remote, keys.alice, {"org/a.yaml": "a: 1\n"})
    judge.remote.git(*keys.bob.options, "merge", "--quiet", "--no-ff", "-m", "Merge", "side")

    assert await judge.push(keys.bob, {"customers/acme/b.yaml": "b: 1\n"}) == Verdict("verified", "bob")


async def test_a_merge_cannot_undo_what_its_signer_may_not_change(judge: Judge, keys: Keys) -> None:
    judge.start(keys.alice, keys.fleet("strict"))
    judge.remote.git("checkout", "--quiet", "-b", "side")
    signed_push(judge.remote, keys.bob, {"customers/acme/a.yaml": "a: 1\n"})
    judge.remote.git("checkout", "--quiet", "main")
    signed_push(judge.remote, keys.alice, {"org/a.yaml": "a: 1\n"})
    judge.remote.git("checkout", "--quiet", "side")
    judge.remote.git(*keys.bob.options, "merge", "--quiet", "-s", "ours", "-m", "Merge", "main")
    verdict = await judge.push(keys.bob, {})

    assert verdict.checked == "refused"
    assert verdict.reason.endswith("bob may not change org/a.yaml")


async def test_a_branch_that_goes_back_is_refused(judge: Judge, keys: Keys) -> None:
    judge.start(keys.alice, keys.fleet("strict"))
    former = judge.remote.head()
    judge.base = Base(signed_push(judge.remote, keys.alice, {"org/a.yaml": "a: 1\n"}), "alice")
    judge.remote.git("push", "--quiet", "--force", "origin", f"{former}:main")

    assert "the branch went back" in (await judge.of(former)).reason


async def test_a_rewritten_branch_needs_the_seal_of_somebody_who_signs_everything(judge: Judge, keys: Keys) -> None:
    judge.start(keys.alice, keys.fleet("strict"))
    judge.base = Base(signed_push(judge.remote, keys.alice, {"org/a.yaml": "a: 1\n"}), "alice")
    judge.remote.git("reset", "--quiet", "--hard", "HEAD~1")
    refused = await judge.push(keys.alice, {"org/b.yaml": "b: 1\n"})
    sealed = await judge.push(keys.alice, {}, "Seal\n\nGuru-Seal: history was cleaned\n")

    assert (refused.checked, sealed) == ("refused", Verdict("verified", "alice"))
    assert "the branch was rewritten" in refused.reason


async def test_a_seal_draws_a_line_under_what_was_not_signed(judge: Judge, keys: Keys) -> None:
    judge.start(keys.alice, keys.fleet("strict"))
    signed_push(judge.remote, None, {"org/a.yaml": "a: 1\n"})
    signed_push(judge.remote, keys.bob, {}, "Seal\n\nGuru-Seal: trust me\n")
    by_bob = await judge.push(keys.bob, {"customers/acme/a.yaml": "a: 1\n"})
    signed_push(judge.remote, keys.alice, {}, "Seal\n\nGuru-Seal: looked at all of it\n")
    by_alice = await judge.push(keys.bob, {"customers/acme/a.yaml": "a: 2\n"})

    assert (by_bob.checked, by_alice) == ("refused", Verdict("verified", "bob"))


async def test_an_openpgp_signature_is_worth_the_same(judge: Judge, keys: Keys, tmp_path: Path) -> None:
    dora, eve = pgp_key(tmp_path, "dora"), pgp_key(tmp_path, "eve")
    judge.start(keys.alice, fleet_yaml("strict", alice=(keys.alice, ALL), dora=(dora, ACME)))

    assert await judge.push(dora, {"customers/acme/a.yaml": "a: 1\n"}) == Verdict("verified", "dora")
    assert (await judge.push(eve, {"customers/acme/a.yaml": "a: 2\n"})).checked == "refused"


async def test_an_openpgp_block_that_is_none_locks_nobody_out(judge: Judge, keys: Keys) -> None:
    broken = keys.fleet("strict") + (
        "      carol:\n        keys: ['-----BEGIN PGP PUBLIC KEY BLOCK----- nonsense']\n")
    judge.start(keys.alice, broken)

    assert (await judge.push(keys.alice, {"org/a.yaml": "a: 1\n"})).checked == "verified"


async def test_a_pinned_mode_and_key_hold_whatever_the_repository_says(judge: Judge, keys: Keys) -> None:
    judge.start(keys.bob, fleet_yaml("none", bob=(keys.bob, ALL)))
    judge.pinned = Pinned("strict", (keys.alice.public,))

    assert (await judge.push(keys.bob, {"org/a.yaml": "a: 1\n"})).checked == "refused"
    assert await judge.push(keys.alice, {"org/a.yaml": "a: 2\n"}) == Verdict("verified", "root")


async def test_the_first_revision_needs_a_pinned_key_when_signatures_are_pinned(judge: Judge, keys: Keys) -> None:
    judge.pinned = Pinned("head", (keys.alice.public,))

    assert (await judge.push(keys.bob, {"fleet.yaml": keys.fleet("none")})).checked == "refused"
    assert await judge.push(keys.alice, {"fleet.yaml": keys.fleet("head")}) == Verdict("verified", "root")


async def test_a_signature_over_something_else_is_bad(judge: Judge, keys: Keys) -> None:
    judge.start(keys.alice, keys.fleet("head"))
    good = signed_push(judge.remote, keys.alice, {"org/a.yaml": "a: 1\n"})
    raw = judge.remote.git("cat-file", "commit", good).replace("Change", "Forged")
    forged = judge.remote.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw + "\n")
    judge.remote.git("push", "--quiet", "--force", "origin", f"{forged}:main")

    assert "its signature is bad" in (await judge.of(forged)).reason


async def test_every_kind_of_ssh_key_can_sign(judge: Judge, keys: Keys, tmp_path: Path) -> None:
    others = {kind: ssh_key(tmp_path, kind, kind) for kind in ("ecdsa", "rsa")}
    judge.start(keys.alice, fleet_yaml("strict", **{name: (key, ALL) for name, key in others.items()}))

    for name, key in others.items():
        assert await judge.push(key, {}) == Verdict("verified", name)


async def test_no_key_folder_is_left_behind(judge: Judge, keys: Keys) -> None:
    judge.start(keys.alice, keys.fleet("strict"))
    await judge.push(keys.alice, {"org/a.yaml": "a: 1\n"})

    assert not list(judge.mirror.data.glob("keys-*"))
