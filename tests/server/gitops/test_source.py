"""Which URLs and branches git is ever given."""

from __future__ import annotations

from pathlib import Path

import pytest

from guru_policy.errors import InputInvalid
from guru_server.gitops.source import Source, checked_branch, checked_url


@pytest.mark.parametrize("url", [
    "https://git.example/msp/fleet.git",
    "https://robin@git.example:8443/msp/fleet.git",
    "ssh://git@git.example:2222/msp/fleet.git",
    "git@git.example:msp/fleet.git",
    "file:///srv/git/fleet.git",
])
def test_an_ordinary_url_stays_as_it_is(url: str) -> None:
    assert checked_url(url) == url


@pytest.mark.parametrize("url", [
    "",
    "--upload-pack=touch /tmp/x",
    "-oProxyCommand=x",
    "ext::sh -c touch% /tmp/x",
    "fd::3",
    "transport::https://git.example/x",
    "http://git.example/fleet.git",
    "git://git.example/fleet.git",
    "https://robin:hunter2@git.example/fleet.git",
    "https:///fleet.git",
    "https://git.example/",
    "ssh://-oProxyCommand=x/fleet.git",
    "ssh://-l@git.example/fleet.git",
    "file://git.example/fleet.git",
    "git@-oProxyCommand=x:fleet.git",
    "git@git.example:-x",
    "https://git.example/a b.git",
    "https://git.example/a\nb.git",
    "https://[::1/fleet.git",
])
def test_a_url_that_git_could_misread_is_refused(url: str) -> None:
    with pytest.raises(InputInvalid) as caught:
        checked_url(url)

    assert "hunter2" not in caught.value.message + caught.value.hint


def test_an_absolute_path_becomes_a_file_url() -> None:
    assert Source("/srv/git/fleet.git").url == "file:///srv/git/fleet.git"


@pytest.mark.parametrize("branch", ["main", "release/2.x", "feature_a-1"])
def test_a_branch_name_is_taken(branch: str) -> None:
    assert checked_branch(branch) == branch


BAD = ["", "-x", "a..b", "a b", "a:b", "x.lock", "/x", "x/", "a//b", "@{u}", "HEAD", "a\n"]


@pytest.mark.parametrize("branch", BAD)
def test_what_is_not_a_branch_name_is_refused(branch: str) -> None:
    with pytest.raises(InputInvalid):
        checked_branch(branch)


def test_a_token_is_never_in_the_environment_of_git() -> None:
    source = Source("https://git.example/f.git", token_file=Path("/etc/guru/git.token"))
    env = source.environment(Path("/data"))

    assert env == {
        "GIT_ALLOW_PROTOCOL": "https",
        "GIT_ASKPASS": "/data/askpass",
        "GURU_GIT_TOKEN_FILE": "/etc/guru/git.token",
    }


def test_ssh_uses_the_key_that_was_given_and_no_configuration_of_a_person() -> None:
    env = Source("git@git.example:f.git", ssh_key=Path("/etc/guru/key file")).environment(Path("/data"))

    assert env["GIT_SSH_COMMAND"].startswith("ssh -F none -o BatchMode=yes")
    assert "-i '/etc/guru/key file' -o IdentitiesOnly=yes" in env["GIT_SSH_COMMAND"]
    assert env["GIT_ALLOW_PROTOCOL"] == "ssh"
