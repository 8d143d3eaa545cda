"""What every error code means, for `guru explain CODE`: offline, whole sentences. It explains, and raises
nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from guru_policy.errors import NotFound
from gurucli.exits import MEANINGS
from gurucli.problems import error_classes


class Explained(NamedTuple):
    """One code. `summary` is the error's own first sentence."""

    code: str
    name: str
    exit_code: int
    summary: str
    text: str


TEXTS: dict[str, str] = {
    "G0001": """\
Something failed for which there is no narrower code; the sentence beside the code says what.

When the sentence begins with "guru itself failed", it is a defect of ours: run the command again with -v and
report what it prints. When the server says so, its log tells more; look for the request id.""",
    "G0002": """\
A word, an option or a value is not one that the command knows, or two of them exclude each other. Nothing
was sent and nothing was changed.

`guru COMMAND --help` begins with examples. An option that every command takes may stand anywhere on the
line.""",
    "G0206": """\
The command did what it could; some devices are missing. They failed, are offline, or a rollout stopped for
them. Names are in the output.

`guru device list --state OutOfDate` lists devices whose newest run failed, and `guru device show NAME` says
why. Devices that are offline follow by themselves as soon as they are back: nothing has to be repeated for
them. With `guru sync --wait --for 95%` a few may be missing.""",
    "G0400": """\
A value that somebody gave is not acceptable: a selector that does not parse, a label that is too long, a
token that was cut. The sentence names the value and, where there is one, the column.

The same value is refused everywhere: in YAML, on the command line and by the API.""",
    "G0401": """\
There are no credentials for this server, or they have ended, or somebody revoked them.

`guru login URL` signs in again. In CI, `guru login --ci URL` needs no secret; `guru whoami` shows who a token is and
until when. `guru context list` shows which server is in use: the token may be good at another one.""",
    "G0402": """\
The password was right. The account has a second factor as well, and its code was not given.

On a terminal `guru login` asks for it. In a script give it with --code, or use an API key, which needs none:
`guru key create`.""",
    "G0403": """\
The server understood, and the answer is no. A role does not allow it, a guard protects the fleet (for
example: a commit that deletes more than limits.maxDelete), or more devices matched than --max-devices
allows.

A guard names the trailer that consents, such as `Guru-Allow-Delete: 12` in the commit message. Trying again
without a change gives the same answer.""",
    "G0404": """\
Nothing has that name, at this server, for you. Names of devices are unique within a site only: when two
sites have one of the same name, write customer/site/name.

`guru device list` shows the names; `guru context list` shows which server was asked.""",
    "G0408": """\
The time given ran out first. What was begun goes on: the server and the agents work without this command.

Give it longer with --timeout, and look with `guru status`. A server that is slow for every command is worth a
`guru doctor`.""",
    "G0409": """\
Somebody else changed it first, or two places disagree and neither is above the other. Two groups of the same
priority that set the same value are a conflict; so is a plan that is older than what is in force.

Look again, then repeat. For two groups: give one a higher priority, or move the value to the customer's
policy.""",
    "G0422": """\
The fleet repository has faults: each is listed with file, line and column. The last good revision stays in
force, so that devices are not hurt: a fault under customers/acme/ holds acme only, one in org/ holds all.

`guru validate` finds the same faults before a push, offline. In CI it writes JUnit, SARIF, GitHub, GitLab
and Markdown reports.""",
    "G0426": """\
The other side is older, or lacks what was asked of it: a resource kind, a message, a member of an answer.

`guru doctor` compares the versions. Bring the older side up to date: server first, then agents, then the
command line. An agent that lacks a kind reports it and goes on with everything else.""",
    "G0495": """\
Something that must be signed is altered, replayed, expired, or meant for somebody else; or a server's
certificate is not from the authority that was pinned when you signed in. It was not used.

Somebody may be in between. If the server was set up anew, sign in again with the pin that `guru-server`
prints: `guru login URL --pin sha256:...`. Do not take a new pin from the connection that failed.""",
    "G0503": """\
Nobody answers at that address: the server is down, the name is unknown, or a firewall is in between.

`guru doctor` tries each step by itself. Agents go on without the server: they keep converging from their
last verified state and send their reports later.""",
    "G0510": """\
A probe or a check could not see: a program is missing, a permission is lacking, or it took too long. The
verdict is unknown, which is neither fine nor broken, and an alert rule does not take it for either.

The message names what could not be read. Install the program, or give the agent the permission.""",
    "G0520": """\
A step on a device did not do what it should: a package would not install, a unit would not start, a file
could not be written. The steps after it that depend on it were skipped, all the others were done.

`guru device show NAME` shows the step and what it said. The agent tries again at its next interval.""",
}


def explanation(code: str) -> Explained:
    """The explanation of a code; NotFound for one that does not exist."""
    classes = error_classes()
    if code not in classes or code not in TEXTS:
        raise NotFound(f"there is no error code {code}", hint=f"the codes are {', '.join(classes)}")
    cls = classes[code]
    return Explained(code, cls.__name__, cls.exit_code, (cls.__doc__ or "").split("\n")[0], TEXTS[code])


def exit_codes() -> list[dict[str, object]]:
    """What commands end with."""
    return [{"code": int(code), "name": code.name, "meaning": meaning} for code, meaning in MEANINGS.items()]
