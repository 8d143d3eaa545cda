"""Checkouts of real repositories on the machine itself, moved on, mended and refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from guru_policy.resources.git_checkout import GitCheckout
from tests.agent.real.world import NOTHING, Action, converge, done, read, run, tell, write

GIT = "git -c user.name=a -c user.email=a@example.com -c init.defaultBranch=main"
# Fixed dates, so that every world has the same commits.
DATES = "export GIT_AUTHOR_DATE='2026-01-01T00:00:00Z' GIT_COMMITTER_DATE='2026-01-01T00:00:00Z';"
MADE = run("sh", "-ec", f"""{DATES}
mkdir -p /srv/git && cd /srv/git && {GIT} init -q --bare app.git && {GIT} init -q work && cd work
echo one > file && {GIT} add file && {GIT} commit -q -m one && {GIT} tag -a v1 -m v1
{GIT} branch side/main && {GIT} push -q ../app.git main side/main v1
""")
MOVED = run("sh", "-ec", f"""{DATES}
cd /srv/git/work && echo two > file && {GIT} commit -qam two && {GIT} push -q ../app.git main
""")
URL = "file:///srv/git/app.git"
FILE = read("/opt/sites/app/file")


def checkout(**spec: object) -> Action:
    """A checkout of the test's repository."""
    return converge("git_checkout", **{"path": "/opt/sites/app", "repository": URL, **spec})


def test_a_branch_is_followed_and_changed_files_are_put_back() -> None:
    made, first, again, first_text, _, moved, text, _, mended, mended_text, beside = tell(
        MADE, checkout(revision="main"), checkout(revision="main"), FILE, MOVED, checkout(revision="main"), FILE,
        run("sh", "-c", "cd /opt/sites/app; echo mine > file; echo mine > beside"), checkout(revision="main"), FILE,
        read("/opt/sites/app/beside"),
    )

    assert made["exit"] == 0, made
    assert done(first), first
    assert again == NOTHING
    assert first_text == "one\n"
    assert done(moved), moved
    assert text == "two\n"
    assert done(mended), mended
    assert mended_text == "two\n"
    assert beside == "mine\n"


def test_a_tag_holds_while_its_branch_moves_on() -> None:
    _, made, _, again, text = tell(MADE, checkout(revision="v1"), MOVED, checkout(revision="v1"), FILE)

    assert done(made), made
    assert again == NOTHING
    assert text == "one\n"


def test_a_commit_needs_no_repository_once_it_is_there() -> None:
    (_, head) = tell(MADE, run("git", "-C", "/srv/git/work", "rev-parse", "v1^{commit}"))
    commit = head["out"].strip()
    _, _, made, _, again, text = tell(
        MADE, MOVED, checkout(revision=commit), run("rm", "-r", "/srv/git"), checkout(revision=commit), FILE
    )

    assert done(made), made
    assert again == NOTHING
    assert text == "one\n"


def test_an_unwanted_checkout_goes_and_another_repositorys_stays() -> None:
    _, _, other, kept, gone, file = tell(
        MADE, checkout(revision="main"), checkout(ensure="absent", repository="https://example.com/other.git"), FILE,
        checkout(ensure="absent"), FILE,
    )

    assert other == NOTHING
    assert kept == "one\n"
    assert done(gone)
    assert file is None


def test_what_is_no_checkout_of_ours_is_left_alone() -> None:
    _, _, theirs, kept, _, users, missing, nobody = tell(
        MADE, write("/opt/sites/app/file", "theirs"), checkout(), FILE,
        run("sh", "-ec", "rm -r /opt/sites/app; git clone -q /srv/git/app.git /opt/sites/app; "
                         "chown -R daemon /opt/sites/app"),
        checkout(), checkout(path="/opt/sites/new", revision="no-such-branch"),
        checkout(path="/opt/sites/new", repository="file:///srv/git/nobody.git"),
    )

    assert theirs["error"] == users["error"] == "/opt/sites/app is there and is no checkout of root's"
    assert kept == "theirs"
    assert missing["error"] == "the repository has no branch or tag no-such-branch"
    assert nobody["error"].startswith("the repository does not answer")


@pytest.mark.parametrize("url", [
    "ext::sh -c id", "--upload-pack=id", "http://example.com/a", "https://a:b@example.com/a", "ssh://-oProxyCommand=id/a",
    "file://host/a", "-a@b:c", "a@-b:c", "https://example.com/a b", "git@host:a\nb",
])
def test_an_address_that_could_run_programs_or_hold_secrets_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        GitCheckout(path="/opt/sites/app", repository=url)
