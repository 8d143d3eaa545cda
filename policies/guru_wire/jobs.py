"""What people's programs and the server say of jobs under /api/v1. Times are ms UTC; fields only grow."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from guru_policy.model import Asked, Carried
from guru_wire.files import FileAsk, FileChangeAsk
from guru_wire.operator import Answer
from guru_wire.orders import MAX_OUTPUT, MAX_SCRIPT, MAX_STDIN, MAX_TIMEOUT, Word
from guru_wire.querying import Query
from guru_wire.running import State, Stream

Short = Annotated[str, StringConstraints(max_length=200)]
ShellName = Literal["sh", "bash", "powershell", "cmd", "python"]


class Batch(Carried):
    """Not all at once: `size` devices, as a number or a percentage; the next when those are over, after `delay` s.

    No further devices begin once `max_failures` failed.
    """

    size: Annotated[str, StringConstraints(pattern=r"^([1-9][0-9]{0,5}|[1-9][0-9]?%|100%)$")] = "100%"
    max_failures: int = Field(default=0, ge=0, le=1_000_000)    # 0: no matter how many
    delay: int = Field(default=0, ge=0, le=86_400)


class JobRequest(Asked):
    """A new job: on one device by its reference, or on those that the selector matches, `max_devices` at most.

    What is run: `argv`, or `script`, or the CommandTemplate `template` with `params`, or `query`, or a look by name,
    or a look at a `file`, or a `change` of one, whose content is `stdin` or a transfer.
    """

    device: Short = ""
    selector: Annotated[str, StringConstraints(max_length=2000)] = ""
    max_devices: int = Field(default=1, ge=1)
    argv: tuple[Word, ...] = Field(default=(), max_length=1000)
    shell: ShellName | None = None
    script: str | None = Field(default=None, min_length=1, max_length=MAX_SCRIPT)
    template: Short = ""
    params: dict[Short, Word] = Field(default_factory=dict, max_length=64)
    query: Query | None = None
    look: Literal["vpn"] | None = None
    about: Short = ""
    file: FileAsk | None = None
    change: FileChangeAsk | None = None
    stdin: Annotated[str, StringConstraints(max_length=MAX_STDIN * 4 // 3 + 4)] = ""   # base64
    cwd: Annotated[str, StringConstraints(max_length=4096)] = ""
    run_as: Literal["system", "user"] = "system"
    timeout: int = Field(default=60, ge=1, le=MAX_TIMEOUT)      # seconds
    expires: int = Field(default=3600, ge=1, le=30 * 86_400)    # seconds in which it may begin
    output: int = Field(default=64 << 10, ge=0, le=MAX_OUTPUT)  # bytes kept of each device
    batch: Batch = Batch()


class JobRow(Carried):
    """One job. `counts` are runs by state; `finished_at` is set once every run has ended."""

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
    stopped: str                        # why no further devices begin; empty: they do
    total: int
    counts: dict[State, int]
    held: str = ""                      # why the newest devices' orders are not signed yet; empty: they are


class RunRow(Carried):
    """One device of a job. `reason` says what the exit code cannot; `online` is whether it could be told now."""

    device: str
    name: str
    customer: str
    site: str
    state: State
    reason: str
    online: bool
    started_at: int | None
    finished_at: int | None
    duration: int | None                # ms
    exit_code: int | None
    signal: int | None
    out: int                            # bytes printed
    err: int
    kept: int                           # bytes of both that are here
    digest: str                         # equal digests, equal output


class OutputRow(Carried):
    """A piece of output. `data` is base64."""

    device: str
    name: str
    stream: Stream
    offset: int
    data: str


class JobMade(Answer):
    """What POST /jobs made. `next` is the number of the progress from which on something changes."""

    job: JobRow
    next: int


class JobDetail(Answer, JobRow):
    """`guru job show`: the job with its runs."""

    runs: tuple[RunRow, ...] = ()


class JobProgress(Answer):
    """What changed after a number; `next` is the number to ask with again. `done`: nothing more is to be expected.

    Runs that wait for a device which is offline keep nothing from being done.
    """

    job: JobRow
    runs: tuple[RunRow, ...]
    output: tuple[OutputRow, ...]
    next: int
    done: bool


class RunOutput(Answer):
    """All that is kept of what one device printed, as text; bytes that are no UTF-8 were replaced."""

    job: str
    run: RunRow
    stdout: str
    stderr: str
    truncated: bool


class JobCancelled(Answer):
    """What a cancellation did: runs that never begin, and runs whose devices were told to end them."""

    job: str
    cancelled: int
    ending: int


class Rerun(Asked):
    """A job once more, on the devices where it did not succeed, or on all; `max_devices` at most."""

    failed: bool = True
    max_devices: int = Field(default=1, ge=1)
    expires: int = Field(default=3600, ge=1, le=30 * 86_400)


class ParamRow(Carried):
    """A parameter of a CommandTemplate."""

    name: str
    type: str
    description: str
    required: bool
    default: str
    choices: tuple[str, ...]


class ScriptRow(Carried):
    """A CommandTemplate in force. `scope` is where it stands, as customers/acme or org."""

    name: str
    scope: str
    display_name: str
    command_class: str
    shell: str
    os: tuple[str, ...]
    run_as: str
    timeout: int
    output: int
    sandbox: str
    approval: str                       # the role that has to agree; empty: nobody
    params: tuple[ParamRow, ...]
    revision: str


class ScriptDetail(Answer, ScriptRow):
    """`guru script show`: with its text; empty when it is a file of the repository, `source`."""

    script: str = ""
    source: str = ""
    unless: str = ""
