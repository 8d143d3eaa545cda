"""`guru cp` of any size: chunks move once, a command that was cut off goes on, and many devices are told apart."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path

import pytest

from guru_wire.chunks import CHUNK
from guru_wire.files import MAX_PUT
from guru_wire.operator import DeviceRow, Page
from gurucli import transfers
from gurucli.cli import make_out
from gurucli.environment import Environment
from gurucli.file_advice import advice
from gurucli.flags import Options
from gurucli.moving import Moving
from gurucli.transfers import Older, insisted
from tests.cli.canned import device
from tests.cli.conftest import Guru, Terminal
from tests.cli.double import Double
from tests.cli.office import Office

CONTENT = os.urandom(5 * CHUNK + 7)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
MANY = ("-l", "role=web")
YES = ("--yes", "--max-devices", "9")


@pytest.fixture
def office(double: Double, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setattr(transfers, "PAUSES", (0.0, 0.0))
    made = Office(double)
    made.files = {"web01": CONTENT, "web02": CONTENT[::-1], "web03": b"small"}
    named(double, "web01", "web02", "web03")
    return made


def named(double: Double, *names: str) -> None:
    rows = tuple(device(name, "").model_copy(update={"id": name, "name": name}) for name in names)
    double.answers["GET /devices"] = Page[DeviceRow](items=rows, total=len(rows))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "large"
    made.write_bytes(CONTENT)
    return made


def test_a_large_file_moves_once_for_all_devices(guru: Guru, office: Office, file: Path) -> None:
    done = guru("cp", str(file), *MANY, ":/srv/", *YES, "-o", "json")
    (order,) = office.orders

    assert done.code == 0, done.err
    assert set(office.got) == {"web01", "web02", "web03"}
    assert set(office.got.values()) == {CONTENT}
    assert office.moved == [("PUT", number) for number in range(6)]
    assert (order["change"]["path"], order["change"]["sha256"], order.get("stdin", "")) == (
        "/srv/large", DIGEST, "")
    assert order["timeout"] >= 600
    assert json.loads(done.out)["job"]["counts"]["succeeded"] == 3
    assert office.transfers == {}


def test_a_file_that_an_order_holds_needs_no_transfer(guru: Guru, office: Office, file: Path) -> None:
    file.write_bytes(CONTENT[:MAX_PUT])

    assert guru("cp", str(file), "web01:/srv/a").code == 0
    assert (office.made, "stdin" in office.orders[0]) == (0, True)


def test_an_upload_that_was_cut_off_goes_on_where_it_was(guru: Guru, office: Office, file: Path) -> None:
    office.reach = 2
    cut = guru("cp", str(file), "web01:/srv/a")
    orders, office.reach = len(office.orders), 99
    done = guru("cp", str(file), "web01:/srv/a")

    assert (cut.code, orders, done.code, office.made) == (4, 0, 0, 1)
    assert office.moved == [("PUT", number) for number in range(6)]
    assert office.got["web01"] == CONTENT


def test_another_file_does_not_go_on_with_it(guru: Guru, office: Office, file: Path) -> None:
    office.reach = 2
    guru("cp", str(file), "web01:/srv/a")
    file.write_bytes(CONTENT[::-1])
    office.reach = 99

    assert guru("cp", str(file), "web01:/srv/a").code == 0
    assert (office.made, office.got["web01"]) == (2, CONTENT[::-1])


def test_devices_that_have_it_not_end_with_6_and_the_same_command_sends_nothing_twice(
    guru: Guru, office: Office, file: Path
) -> None:
    office.failing = {"web02"}
    some = guru("cp", str(file), *MANY, ":/srv/a", *YES)
    office.failing, office.moved = set(), []
    done = guru("cp", str(file), *MANY, ":/srv/a", "--replace", *YES)

    assert (some.code, done.code, office.moved, office.transfers) == (6, 0, [], {})
    assert "the disk is full" in some.out + some.err


def test_a_lost_answer_is_asked_for_again(guru: Guru, office: Office, file: Path) -> None:
    office.losing = {0, 3}

    assert guru("cp", str(file), "web01:/srv/a").code == 0
    assert [number for _, number in office.moved] == [0, 0, 1, 2, 3, 3, 4, 5]
    assert office.got["web01"] == CONTENT


def test_without_a_yes_nothing_is_sent(guru: Guru, office: Office, file: Path) -> None:
    asked = guru("cp", str(file), *MANY, ":/srv/a")
    bounded = guru("cp", str(file), *MANY, ":/srv/a", "--yes", "--max-devices", "2")

    assert (asked.code, bounded.code, office.made, office.orders) == (2, 8, 0, [])


def test_a_large_file_of_a_device_arrives_for_its_owner_alone(guru: Guru, office: Office, tmp_path: Path) -> None:
    told = json.loads(guru("cp", "web01:/srv/large", str(tmp_path), "-o", "json").out)
    here = tmp_path / "large"

    assert here.read_bytes() == CONTENT
    assert stat.S_IMODE(here.stat().st_mode) == 0o600
    assert (told["sha256"], told["size"], told["resumed"]) == (DIGEST, len(CONTENT), 0)
    assert (office.moved, office.transfers) == ([("GET", number) for number in range(6)], {})


def test_a_copy_that_was_cut_off_fetches_only_the_rest(
    guru: Guru, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gurucli.file_copying.TOGETHER", 1)
    folder = tmp_path / "in"
    folder.mkdir()
    office.reach = 2
    cut = guru("cp", "web01:/srv/large", str(folder))
    kept = [one.stat().st_size for one in folder.iterdir()]
    office.reach = 99
    told = json.loads(guru("cp", "web01:/srv/large", str(folder), "-o", "json").out)

    assert (cut.code, kept, told["resumed"], office.made) == (4, [2 * CHUNK], 2 * CHUNK, 1)
    assert office.moved == [("GET", number) for number in range(6)]
    assert [(one.name, one.read_bytes() == CONTENT) for one in folder.iterdir()] == [("large", True)]


def test_what_was_altered_here_meanwhile_does_not_get_the_name(
    guru: Guru, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gurucli.file_copying.TOGETHER", 1)
    folder = tmp_path / "in"
    folder.mkdir()
    office.reach = 2
    guru("cp", "web01:/srv/large", str(folder))
    (part,) = folder.iterdir()
    part.write_bytes(b"x" * 2 * CHUNK)
    office.reach = 99
    result = guru("cp", "web01:/srv/large", str(folder))

    assert (result.code, list(folder.iterdir()), office.transfers) == (1, [], {})


def test_an_empty_file_arrives(guru: Guru, office: Office, tmp_path: Path) -> None:
    office.files["web01"] = b""

    assert guru("cp", "web01:/srv/empty", str(tmp_path)).code == 0
    assert (tmp_path / "empty").read_bytes() == b""


def test_what_a_device_cannot_send_is_said_and_leaves_nothing(guru: Guru, office: Office, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    result = guru("cp", "web09:/srv/none", str(folder))

    assert "`guru ls` lists" in result.err
    assert (result.code, "there is no /srv/none" in result.err, list(folder.iterdir())) == (1, True, [])
    assert office.transfers == {}


def test_an_older_agent_sends_its_file_in_parts(guru: Guru, office: Office, tmp_path: Path) -> None:
    office.older = True

    assert guru("cp", "web01:/srv/large", str(tmp_path)).code == 0
    assert (tmp_path / "large").read_bytes() == CONTENT
    assert ([order["file"]["op"] for order in office.orders], office.transfers) == (["send", "read"], {})


def test_a_file_goes_from_one_device_to_others_and_nothing_is_kept_here(
    guru: Guru, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    monkeypatch.chdir(folder)
    one = guru("cp", "web01:/srv/large", "web02:/var/tmp/")
    all_of_them = guru("cp", "web01:/srv/large", *MANY, ":/srv/copy", *YES)
    puts = [order["change"] for order in office.orders if "change" in order]

    assert (one.code, all_of_them.code) == (0, 0), one.err + all_of_them.err
    assert [put["path"] for put in puts] == ["/var/tmp/large", "/srv/copy"]
    assert {put["sha256"] for put in puts} == {DIGEST}
    assert (set(office.got), set(office.got.values())) == ({"web01", "web02", "web03"}, {CONTENT})
    assert (office.moved, list(folder.iterdir()), office.transfers) == ([], [], {})


def test_files_of_many_devices_come_into_folders_and_some_are_6(guru: Guru, office: Office, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    del office.files["web03"]
    some = guru("cp", *MANY, ":/srv/large", str(folder), "-o", "json")
    rows = {row["device"]: row for row in json.loads(some.out)["items"]}
    again = guru("cp", *MANY, ":/srv/large", str(folder), "--replace", "--max-devices", "2")

    assert (some.code, again.code) == (6, 8)
    assert (folder / "web01/large").read_bytes() == CONTENT
    assert (folder / "web02/large").read_bytes() == CONTENT[::-1]
    assert (rows["web01"]["sha256"], rows["web01"]["reason"]) == (DIGEST, "")
    assert "there is no /srv/none; `guru ls` lists" in rows["web03"]["reason"]
    assert sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()) == [
        "web01/large", "web02/large"]


@pytest.mark.parametrize("names", [("../web01",), (".ssh",), ("a/b",), ("a\\b",), ("C:",), ("web01", "WEB01")])
def test_a_name_that_leads_elsewhere_is_no_folder(
    names: tuple[str, ...], guru: Guru, double: Double, office: Office, tmp_path: Path
) -> None:
    named(double, *names)
    folder = tmp_path / "in"
    result = guru("cp", *MANY, ":/srv/large", str(folder))

    assert (result.code in (9, 10), folder.exists(), office.orders) == (True, False, [])


def test_a_folder_that_is_a_link_is_not_followed(guru: Guru, office: Office, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (tmp_path / "elsewhere").mkdir()
    folder.mkdir()
    (folder / "web01").symlink_to(tmp_path / "elsewhere")

    assert guru("cp", *MANY, ":/srv/large", str(folder)).code == 6
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("words", [
    (":/etc/a", ":/etc/b", *MANY), (":/etc/a", "in", *MANY, "--mode", "644"), (":/etc/", "in", *MANY),
    ("web01:/a", "web02", *MANY),
])
def test_what_is_no_copy_is_said_before_anything_is_asked(
    words: tuple[str, ...], guru: Guru, office: Office
) -> None:
    assert (guru("cp", *words).code, office.made, office.orders) == (2, 0, [])


def test_an_older_server_says_what_helps(guru: Guru, double: Double, file: Path) -> None:
    double.answers.pop("POST /transfers", None)
    result = guru("cp", str(file), "web01:/srv/a")

    assert (result.code, "update it" in result.err) == (1, True)


def test_a_step_is_tried_again_a_bounded_number_of_times() -> None:
    from guru_policy.errors import Unreachable

    pauses, tries = list[float](), list[int]()

    def deed() -> None:
        tries.append(1)
        raise Unreachable("nobody answers")

    with pytest.raises(Unreachable):
        insisted(deed, pauses.append)

    def refused() -> None:
        tries.append(1)
        raise Older("no")

    with pytest.raises(Older):
        insisted(refused, pauses.append)

    assert (tuple(pauses), len(tries)) == (transfers.PAUSES, len(transfers.PAUSES) + 2)


def test_a_terminal_shows_bytes_and_how_many_devices_have_it_and_a_pipe_neither(
    guru: Guru, office: Office, file: Path
) -> None:
    shown = guru("cp", str(file), *MANY, ":/srv/a", *YES, columns=100, stderr_terminal=True).err
    office.transfers = {}
    piped = guru("cp", str(file), "web01:/srv/b").err

    assert "large: 512.0 KiB of 1.3 MiB" in shown
    assert "3 of 3 devices have it" in shown
    assert "MiB" not in piped


def test_the_rate_is_of_what_moved_in_this_run() -> None:
    err, now = Terminal(), [10.0]
    surroundings = Environment(Path(), Path(), Path(), term="xterm", columns=100, stderr_terminal=True)
    moving = Moving(make_out(surroundings, Options(), Terminal(), err), "large", lambda: now[0])
    moving.show(64 << 20, 128 << 20)
    now[0] = 12.0
    moving.show(96 << 20, 128 << 20)

    assert "large: 96.0 MiB of 128.0 MiB, 16.0 MiB/s" in err.text()


@pytest.mark.parametrize(("words", "hint"), [
    ("web01: failed: /srv/a is there already, and stays without --replace", "--replace"),
    ("web01: failed: there is no folder for /srv/a", "guru ls"),
    ("web01: failed: /srv changed while it was read", "tail"),
    ("a file of up to 5 bytes is transferred", "transfers.largest"), ("something else", ""),
])
def test_what_a_device_said_leads_to_what_helps(words: str, hint: str) -> None:
    assert (hint in advice(words), bool(advice(words))) == (True, bool(hint))
