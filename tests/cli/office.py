"""A server with transfers and some devices, as the command line sees them: every chunk that moved is noted."""

from __future__ import annotations

import hashlib
from typing import Any

from guru_wire.chunks import CHUNK, Sent, chunks_of
from guru_wire.jobs import JobMade, JobProgress
from guru_wire.transfers import Transfer
from tests.cli.canned import file_part, file_read, job_row, run_row
from tests.cli.double import Asked, Double, problem

GONE = problem(404, "G0404", "there is no such transfer", 5)


class Office:
    """Each device has one file, `files`. After `reach` chunks nobody answers any more."""

    def __init__(self, double: Double) -> None:
        self.files: dict[str, bytes] = {}
        self.got: dict[str, bytes] = {}         # by devices, in orders of transfers
        self.moved: list[tuple[str, int]] = []
        self.reach, self.made, self.orders = 1_000, 0, list[dict[str, Any]]()
        self.transfers: dict[str, Transfer] = {}
        self.chunks: dict[str, list[bytes]] = {}
        self.failing: set[str] = set()
        self.losing: set[int] = set()           # chunks of which the first answer gets lost
        self.older = False
        self._double, self._jobs = double, dict[str, JobProgress]()
        double.answers["POST /transfers"] = self._begin
        double.answers["POST /jobs"] = self._order
        double.otherwise = self._other

    def _begin(self, asked: Asked) -> Any:
        self.made += 1
        name = f"{self.made:032x}"
        size = asked.body.get("size")
        self.transfers[name] = Transfer(
            id=name, size=size, sha256=asked.body.get("sha256", ""), chunks=0, state="filling", expires_at=1)
        self.chunks[name] = []
        return self.transfers[name]

    def _order(self, asked: Asked) -> Any:
        body = asked.body
        self.orders.append(body)
        job = f"{len(self.orders):032x}"
        names = [body["device"]] if body["device"] else list(self.files)
        if body.get("file"):
            done = self._sends(names[0], body["file"])
        else:
            done = self._put(names, body["change"])
        self._jobs[job] = done.model_copy(update={"job": done.job.model_copy(update={"id": job})})
        return JobMade(job=job_row("", id=job, total=len(names)), next=2)

    def _sends(self, device: str, asked: dict[str, Any]) -> JobProgress:
        content, name = self.files.get(device), asked.get("transfer", "")
        if content is not None and self.older and asked["op"] == "read":
            return file_read(file_part(content, asked["part"]["start"]))
        if content is None or self.older or not name:
            failed = run_row("web01", "", state="failed", reason="there is no /srv/none", exit_code=None, out=0)
            return JobProgress(job=job_row("", total=1, counts={"failed": 1}), runs=(failed,), next=9, done=True,
                               output=())
        self.chunks[name] = [content[at:at + CHUNK] for at in range(0, len(content), CHUNK)]
        digest = hashlib.sha256(content).hexdigest()
        self.transfers[name] = self.transfers[name].model_copy(update={
            "size": len(content), "sha256": digest, "chunks": chunks_of(len(content)), "state": "whole"})
        return file_read(Sent(size=len(content), sha256=digest).model_dump_json().encode() + b"\n")

    def _put(self, names: list[str], change: dict[str, Any]) -> JobProgress:
        good = [name for name in names if name not in self.failing]
        self.got |= {name: b"".join(self.chunks[change["transfer"]]) for name in good if change.get("transfer")}
        runs = tuple(
            run_row(name, "", device=name, state="succeeded" if name in good else "failed",
                    reason="" if name in good else "the disk is full", exit_code=None) for name in names)
        counts = {"succeeded": len(good), "failed": len(names) - len(good)}
        return JobProgress(job=job_row("", total=len(names), counts=counts), runs=runs, next=9, done=True, output=())

    def _other(self, asked: Asked) -> Any:
        room, name, *rest = asked.path.strip("/").split("/")
        if room == "jobs" and rest == ["progress"]:
            return self._jobs[name]
        if room != "transfers":
            return None
        if name not in self.transfers:
            return GONE
        if asked.method == "DELETE":
            del self.transfers[name]
            return 204, b""
        return self._chunk(asked, name, int(rest[1])) if rest else self.transfers[name]

    def _chunk(self, asked: Asked, name: str, number: int) -> Any:
        if self.reach == 0:
            return problem(401, "G0401", "the session ended", 4)
        self.reach -= 1
        self.moved.append((asked.method, number))
        there = self.chunks[name]
        if asked.method == "GET":
            return 200, there[number]
        if number in self.losing:
            self.losing.remove(number)
            self._double.losing = 1
        if number < len(there):
            return 204, b""
        there.append(asked.body)
        told = self.transfers[name]
        whole = len(there) == chunks_of(told.size or 0)
        state = told.state
        if whole:
            state = "whole" if hashlib.sha256(b"".join(there)).hexdigest() == told.sha256 else "failed"
        self.transfers[name] = told.model_copy(update={"chunks": len(there), "state": state})
        return problem(422, "G0400", "what came has not the SHA-256", 10) if state == "failed" else (204, b"")
