"""Answers about jobs and scripts as plain rows: the shapes of guru_wire.jobs without its models. A test holds them."""

from __future__ import annotations

from typing import TypedDict

from gurucli.answers import Answer


class JobRow(TypedDict):
    """One job; `counts` are runs by state."""

    id: str
    what: str
    actor: str
    target: str
    created_at: int
    expires_at: int
    finished_at: int | None
    timeout: int
    output: int
    template: str
    revision: str
    batch: str
    stopped: str
    total: int
    counts: dict[str, int]
    held: str                           # why the newest devices' orders are not signed yet


class RunRow(TypedDict):
    """One device of a job."""

    device: str
    name: str
    customer: str
    site: str
    state: str
    reason: str
    online: bool
    started_at: int | None
    finished_at: int | None
    duration: int | None
    exit_code: int | None
    signal: int | None
    out: int
    err: int
    kept: int
    digest: str


class OutputRow(TypedDict):
    """A piece of output; `data` is base64."""

    device: str
    name: str
    stream: str
    offset: int
    data: str


class JobMade(Answer):
    """A new job, and the number from which on its progress tells news."""

    job: JobRow
    next: int


class JobDetail(Answer, JobRow):
    """A job with every run."""

    runs: list[RunRow]


class JobProgress(Answer):
    """What changed; `done`: nothing more is to be expected."""

    job: JobRow
    runs: list[RunRow]
    output: list[OutputRow]
    next: int
    done: bool


class RunOutput(Answer):
    """All that is kept of what one device printed."""

    job: str
    run: RunRow
    stdout: str
    stderr: str
    truncated: bool


class JobCancelled(Answer):
    """What a cancellation did."""

    job: str
    cancelled: int
    ending: int


class ParamRow(TypedDict):
    """A parameter of a command template."""

    name: str
    type: str
    description: str
    required: bool
    default: str
    choices: list[str]


class ScriptRow(TypedDict):
    """A command template in force."""

    name: str
    scope: str
    display_name: str
    command_class: str
    shell: str
    os: list[str]
    run_as: str
    timeout: int
    output: int
    sandbox: str
    approval: str
    params: list[ParamRow]
    revision: str


class ScriptDetail(Answer, ScriptRow):
    """One of them with its text."""

    script: str
    source: str
    unless: str
