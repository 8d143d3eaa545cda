"""Every check kind on the shipped fake host: what it finds becomes the right verdict."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from guru_policy.checks import CHECKS
from guru_policy.errors import CannotLook
from guru_policy.fake_host import FakeHost
from guru_policy.host import HttpAnswer, ProcessEntry, Space
from guru_policy.verdict import Verdict

URL = "https://shop.example/"
SHOW = "systemctl show --property=LoadState,ActiveState,UnitFileState,NeedDaemonReload -- ssh"


async def sample(kind: str, host: FakeHost, **spec: Any) -> Verdict:
    """One reading of a check written like this."""
    return await CHECKS[kind].model_validate({"kind": kind, **spec}).sample(host)


@pytest.mark.parametrize(("busy", "state"), [(69.0, "ok"), (70.0, "warning"), (90.0, "critical")])
async def test_a_busy_processor_crosses_its_thresholds(busy: float, state: str) -> None:
    verdict = await sample("cpu", FakeHost(cpu=[busy]))

    assert (verdict.state, verdict.value, verdict.unit) == (state, busy, "%")


async def test_one_busy_moment_does_not_move_the_mean_far() -> None:
    check = CHECKS["cpu"].model_validate({"kind": "cpu", "samples": 4})
    host = FakeHost(cpu=[0, 0, 0, 100])

    verdicts = [await check.sample(host) for _ in range(4)]

    assert [verdict.value for verdict in verdicts] == [0, 0, 0, 25]


@pytest.mark.parametrize(("free", "state"), [(40, "ok"), (20, "warning"), (10, "critical")])
async def test_used_memory_crosses_its_thresholds(free: int, state: str) -> None:
    assert (await sample("memory", FakeHost(ram=Space(100, free)))).state == state


async def test_little_free_space_counts_even_when_the_share_is_fine() -> None:
    host = FakeHost(spaces={"/": Space(10 << 40, 4 << 40)})

    assert (await sample("disk_space", host, path="/")).state == "ok"
    assert (await sample("disk_space", host, path="/", criticalFree="5TiB")).state == "critical"
    with pytest.raises(CannotLook):
        await sample("disk_space", host, path="/mnt")


async def test_space_that_only_root_may_write_is_neither_used_nor_free() -> None:
    verdict = await sample("disk_space", FakeHost(spaces={"/": Space(100 << 30, 60 << 30, reserved=20 << 30)}))

    assert (verdict.value, verdict.state) == (25.0, "ok")
    assert verdict.message == "/ 25.0% used, 60.0 GiB free"


@pytest.mark.parametrize(
    ("active", "state"),
    [("active", "ok"), ("activating", "warning"), ("failed", "critical"), ("inactive", "critical")],
)
async def test_a_service_is_judged_by_its_active_state(active: str, state: str) -> None:
    host = FakeHost()
    host.says(SHOW, f"LoadState=loaded\nActiveState={active}\n")

    assert (await sample("service", host, name="ssh")).state == state


async def test_without_systemd_a_service_cannot_be_looked_at() -> None:
    host = FakeHost()
    host.says(SHOW, "", exit_code=1, stderr="System has not been booted with systemd as init system")

    with pytest.raises(CannotLook):
        await sample("service", host, name="ssh")


@pytest.mark.parametrize(
    ("limits", "state"), [({}, "ok"), ({"min": 3}, "critical"), ({"max": 1}, "critical")]
)
async def test_processes_are_counted_by_glob(limits: dict[str, int], state: str) -> None:
    running = tuple(ProcessEntry(n, "nginx", "nginx: worker", "www-data") for n in (1, 2))

    verdict = await sample("process", FakeHost(running=running), name="ngi*", **limits)

    assert (verdict.state, verdict.value) == (state, 2)


@pytest.mark.parametrize(
    ("answer", "spec", "state"),
    [
        (HttpAnswer(200, b"hello", 0.1, 90), {"contains": "hello"}, "ok"),
        (HttpAnswer(200, b"bye", 0.1, 90), {"contains": "hello"}, "critical"),
        (HttpAnswer(302, b"", 0.1, 90), {}, "critical"),
        (HttpAnswer(302, b"", 0.1, 90), {"expect": [200, 302]}, "ok"),
        (HttpAnswer(200, b"", 0.9, 90), {"warningMs": 500}, "warning"),
        (HttpAnswer(200, b"", 0.1, 20), {}, "warning"),
        (HttpAnswer(200, b"", 0.1, 3), {}, "critical"),
        (HttpAnswer(200, b"", 99.0, 90), {}, "critical"),
    ],
)
async def test_a_page_is_judged_by_answer_time_and_certificate(
    answer: HttpAnswer, spec: dict[str, Any], state: str
) -> None:
    assert (await sample("http", FakeHost(pages={URL: answer}), url=URL, **spec)).state == state


async def test_a_port_is_fine_when_it_takes_a_connection() -> None:
    host = FakeHost(listening={("127.0.0.1", 22): 0.002})

    assert (await sample("port", host, port=22)).value == 2
    assert (await sample("port", host, port=23)).state == "critical"


@pytest.mark.parametrize(
    ("code", "state"), [(0, "ok"), (1, "warning"), (2, "critical"), (3, "unknown"), (127, "unknown")]
)
async def test_a_script_speaks_in_exit_codes(code: int, state: str) -> None:
    host = FakeHost()
    host.says("/bin/sh -c look", "DISK 7%\x1b[31m|'used'=7.5%;80;90\nmore", exit_code=code)

    verdict = await sample("script", host, shell="look")

    assert (verdict.state, verdict.value, verdict.unit) == (state, 7.5, "%")
    assert "\x1b" not in verdict.message


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("cpu", {"warning": "95%"}), ("http", {"url": "ftp://x"}), ("http", {"url": "https://a:b@x/"}),
        ("process", {}), ("process", {"name": "a", "min": 2, "max": 1}), ("port", {"port": 0}),
        ("script", {}), ("script", {"shell": "x", "command": ["x"]}), ("disk_space", {"path": "/a/../b"}),
        ("service", {"name": "--now"}),
    ],
)
def test_a_check_that_makes_no_sense_is_refused(kind: str, spec: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CHECKS[kind].model_validate({"kind": kind, **spec})
