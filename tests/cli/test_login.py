"""Signing in: the pin comes before anything secret, and what is kept is kept from others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gurucli import contexts
from gurucli.environment import Environment
from gurucli.transport import fingerprint
from tests.cli.conftest import Guru
from tests.cli.double import TOKEN, Authority, Double, make_authority, serve


@pytest.fixture
def empty(home: Path) -> Path:
    """A configuration file that does not exist yet."""
    return home / "new/config.json"


def test_login_checks_the_pin_and_keeps_a_context_for_its_owner_only(
    guru: Guru, double: Double, authority: Authority, empty: Path
) -> None:
    pinned = ["--pin", fingerprint(authority.ca), "--context", "prod"]
    result = guru("login", double.url, *pinned, config=empty, token=TOKEN)

    assert result.code == 0, result.err
    assert empty.stat().st_mode & 0o777 == 0o600
    assert empty.parent.stat().st_mode & 0o777 == 0o700
    assert contexts.load(empty).named("prod").ca == authority.ca
    assert double.requests("GET", "/trust")[0].authorization == ""
    assert double.requests("GET", "/whoami")[0].authorization == f"Bearer {TOKEN}"


def test_a_wrong_pin_ends_before_the_token_is_said(guru: Guru, double: Double, empty: Path) -> None:
    result = guru("login", double.url, "--pin", "sha256:" + "0" * 64, config=empty, token=TOKEN)

    assert result.code == 8
    assert all(one.authorization == "" for one in double.asked)
    assert not empty.exists()


def test_without_a_pin_nobody_is_trusted_silently(
    guru: Guru, double: Double, authority: Authority, empty: Path
) -> None:
    result = guru("login", double.url, "--no-input", config=empty, token=TOKEN, stdin_terminal=True)

    assert result.code == 2
    assert fingerprint(authority.ca) in result.err
    assert not double.requests("GET", "/whoami")


def test_an_authority_that_was_pinned_before_is_not_asked_about_again(guru: Guru, double: Double) -> None:
    assert guru("login", double.url, "--no-input", token=TOKEN).code == 0


def test_a_server_whose_certificate_is_not_of_the_pinned_authority_gets_no_token(
    guru: Guru, double: Double, empty: Path, tmp_path: Path
) -> None:
    stranger = make_authority("stranger")
    impostor = Double(stranger, answers=dict(double.answers))   # shows the pinned CA, but has not its key
    server = serve(impostor, tmp_path)
    try:
        pin = fingerprint(double.authority.ca)
        result = guru("login", impostor.url, "--pin", pin, config=empty, token=TOKEN)
    finally:
        server.shutdown()
        server.server_close()

    assert result.code == 8
    assert all(one.authorization == "" for one in impostor.asked)


def test_the_token_comes_from_a_file_or_from_stdin(process: Guru, double: Double, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")

    from_file = process("login", double.url, "--token-file", str(tmp_path / "token"))
    from_stdin = process("login", double.url, stdin=f"{TOKEN}\n")

    assert (from_file.code, from_stdin.code) == (0, 0)
    assert {one.authorization for one in double.requests("GET", "/whoami")} == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize("url", ["http://localhost", "ftp://x", "https://user:pw@x", "https://", "https://x:port"])
def test_an_address_without_tls_is_refused(url: str, guru: Guru, double: Double) -> None:
    assert guru("login", url).code == 2
    assert double.asked == []


def test_the_environment_is_enough_for_ci(guru: Guru, double: Double, authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(authority.ca)
    around = {"url": double.url, "token": "other", "ca_file": str(tmp_path / "ca.pem"), "config": tmp_path / "none"}

    assert guru("whoami", **around).code == 0
    assert double.asked[-1].authorization == "Bearer other"


def test_logout_forgets_and_never_chooses_another(guru: Guru, environment: Environment) -> None:
    config = contexts.load(environment.config)
    contexts.save(environment.config, config.with_context(contexts.Context("other", "https://x", "t")).using("test"))

    assert guru("logout").code == 0
    assert list(contexts.load(environment.config).contexts) == ["other"]
    assert guru("whoami").code == 4


def test_a_damaged_configuration_is_told_and_not_overwritten(guru: Guru, environment: Environment) -> None:
    environment.config.write_text("{")

    result = guru("context", "list")

    assert result.code == 10
    assert environment.config.read_text() == "{"


def test_the_token_is_never_shown(guru: Guru) -> None:
    said = "".join(text for argv in (("whoami", "-v"), ("context", "list", "-o", "json"), ("doctor", "-v"))
                   for text in guru(*argv)[1:])

    assert "Authorization: Bearer ***" in said
    assert TOKEN not in said


def test_doctor_tells_of_a_configuration_that_others_can_read(guru: Guru, environment: Environment) -> None:
    environment.config.chmod(0o644)

    result = guru("doctor", "-o", "json")

    lines = {line["name"]: line for line in json.loads(result.out)["lines"]}
    assert result.code == 1
    assert lines["configuration"]["fix"] == f"chmod 600 {environment.config}"
    assert all(line["ok"] for name, line in lines.items() if name != "configuration")


def test_doctor_stops_at_a_server_that_does_not_answer(guru: Guru) -> None:
    result = guru("doctor", "-o", "json", url="https://localhost:1", token="x")

    assert result.code == 1
    assert [line["ok"] for line in json.loads(result.out)["lines"]] == [True, False]
