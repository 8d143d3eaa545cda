"""The one table of exit codes (DESIGN section 8). It never decides which one applies."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """What a command ends with. The numbers are a promise to scripts: never renumber one."""

    done = 0
    failure = 1
    usage = 2
    differences = 3                     # only with --exit-code
    not_signed_in = 4
    not_found = 5
    partial = 6
    deadline = 7
    refused = 8
    conflict = 9
    invalid = 10
    interrupted = 130                   # 128 + SIGINT
    broken_pipe = 141                   # 128 + SIGPIPE, when the reader went away


MEANINGS: dict[Exit, str] = {
    Exit.done: "done",
    Exit.failure: "failure",
    Exit.usage: "the command line makes no sense",
    Exit.differences: "there are differences (only with --exit-code)",
    Exit.not_signed_in: "not signed in",
    Exit.not_found: "nothing has that name",
    Exit.partial: "partly done: some devices failed or are offline",
    Exit.deadline: "the deadline passed, or the server is unreachable",
    Exit.refused: "refused by a policy, a guard or a role",
    Exit.conflict: "conflict: somebody changed it first, or a plan is stale",
    Exit.invalid: "invalid input, or a failed test",
    Exit.interrupted: "interrupted",
    Exit.broken_pipe: "the reader of the output went away",
}
