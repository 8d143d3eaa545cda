"""Rows of `processes`. One that ends meanwhile is left out."""

from __future__ import annotations

from collections.abc import Iterator

import psutil

from guru_agent.query.rows import Row, Wanted

_LETTERS = {
    psutil.STATUS_RUNNING: "R", psutil.STATUS_SLEEPING: "S", psutil.STATUS_DISK_SLEEP: "D",
    psutil.STATUS_ZOMBIE: "Z", psutil.STATUS_STOPPED: "T", psutil.STATUS_TRACING_STOP: "T",
    psutil.STATUS_IDLE: "I", psutil.STATUS_DEAD: "X",
}
_ASKED = {
    "parent": "ppid", "name": "name", "path": "exe", "cmdline": "cmdline", "cwd": "cwd", "state": "status",
    "uid": "uids", "gid": "gids", "username": "username", "nice": "nice", "threads": "num_threads",
    "resident_size": "memory_info", "rss": "memory_info", "total_size": "memory_info",
    "user_time": "cpu_times", "system_time": "cpu_times", "start_time": "create_time",
}


def processes(wanted: Wanted) -> Iterator[Row]:
    """Every process, or the one of the given pid; only what the query reads is looked up."""
    attributes = sorted({"pid"} | {_ASKED[name] for name in wanted.columns if name in _ASKED})
    pid = wanted.equal("pid")
    if pid is None:
        yield from (_row(process.info) for process in psutil.process_iter(attributes))
    elif isinstance(pid, int) and 0 < pid < 1 << 31:
        try:
            yield _row(psutil.Process(pid).as_dict(attributes))
        except psutil.Error:
            return


def _row(info: dict[str, object]) -> Row:
    memory, times = info.get("memory_info"), info.get("cpu_times")
    uids, gids, words = info.get("uids"), info.get("gids"), info.get("cmdline")
    created, rss = info.get("create_time"), getattr(memory, "rss", None)
    return {
        "pid": _whole(info["pid"]), "parent": _whole(info.get("ppid")), "name": _said(info.get("name")),
        "path": _said(info.get("exe")), "cmdline": " ".join(words) if isinstance(words, list) else None,
        "cwd": _said(info.get("cwd")), "state": _LETTERS.get(str(info.get("status")), "?"),
        "uid": getattr(uids, "real", None), "gid": getattr(gids, "real", None),
        "username": _said(info.get("username")), "nice": _whole(info.get("nice")),
        "threads": _whole(info.get("num_threads")), "resident_size": rss, "rss": rss,
        "total_size": getattr(memory, "vms", None),
        "user_time": round(times.user * 1000) if times is not None else None,              # type: ignore[attr-defined]
        "system_time": round(times.system * 1000) if times is not None else None,          # type: ignore[attr-defined]
        "start_time": round(created) if isinstance(created, float) else None,
    }


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _said(value: object) -> str | None:
    return value if isinstance(value, str) else None
