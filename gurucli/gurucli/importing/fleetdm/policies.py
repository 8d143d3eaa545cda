"""Fleet's policies to script checks that ask osquery, its queries and scripts to CommandTemplates. Pure.

A policy passes when its query gives a row. The check asks `osqueryi`, which has to be on the device: Fleet's agent
brings osquery along. Without it the verdict is unknown, never ok.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from guru_policy.errors import GuruError
from gurucli.clean import clean
from gurucli.importing.drafts import Asset, Draft, Drafts, given, slug
from gurucli.importing.fleetdm.reading import FleetFiles, Item
from gurucli.importing.suspecting import secret_in

EVERY = "1h"                            # Fleet asks for policies every hour
MAX_SCRIPT = 256 << 10                  # bytes
ENDINGS = {".sh": "sh", ".bash": "bash", ".ps1": "powershell", ".py": "python", ".cmd": "cmd", ".bat": "cmd"}
SYSTEMS: Mapping[str, list[JsonValue]] = {
    "sh": ["linux", "macos"], "bash": ["linux", "macos"], "powershell": ["windows"], "cmd": ["windows"], "python": [],
}
_ASK = """\
tool=$(command -v osqueryi) || { echo 'osqueryi is not installed'; exit 3; }
rows=$("$tool" --csv --header=false "$QUERY" 2>/dev/null) || { echo 'osquery could not answer'; exit 3; }
[ -n "$rows" ] || { echo "$RESOLUTION"; exit 2; }
echo passes
"""
_SHOW = 'exec osqueryi --json "$QUERY"\n'


def check_of(item: Item, drafts: Drafts) -> tuple[str, dict[str, JsonValue]] | None:
    """The id and spec of a check; None, and noted, for a policy that has no place."""
    name, query = item.text("name"), item.text("query")
    reason = _unfit(item, query)
    if reason:
        drafts.leave(item.source, name or "a policy", reason)
        return None
    for key in ("run_script", "install_software", "labels_include_any", "labels_include_all", "labels_exclude_any"):
        if item.part(key) is not None:
            drafts.leave(item.source, f"{key} of {name}", "write a resource, or a selector, into the Policy")
    others = {one.strip() for one in item.text("platform").split(",")} - {"linux", ""}
    if others:
        drafts.leave(item.source, f"{name} on {', '.join(sorted(others))}", "checks run on Linux")
    told = clean(item.text("resolution") or item.text("description") or name)[:300]
    env: dict[str, JsonValue] = {"QUERY": _one_line(query), "RESOLUTION": told}
    return slug(name), {"kind": "script", "every": EVERY, "timeout": "60s", "env": env, "shell": _ASK}


def _unfit(item: Item, query: str) -> str:
    platforms = {one.strip() for one in item.text("platform").split(",") if one.strip()}
    if not item.text("name") or not query:
        return "it has no name, or no query"
    if platforms and "linux" not in platforms:
        return f"it is for {', '.join(sorted(platforms))}, and checks run on Linux"
    if secret_in(query):
        return "secret: its query holds what looks like one"
    if "$" in query:
        return "its query holds a variable that Fleet fills in"
    return ""


def query_of(item: Item, drafts: Drafts) -> None:
    """A query into `drafts`, as a CommandTemplate that people may run."""
    name, query = item.text("name"), item.text("query")
    if not name or not query or "$" in query:
        drafts.leave(item.source, name or "a query", "it has no name, or no query without variables")
        return
    if secret_in(query):
        drafts.leave(item.source, name, "secret: its query holds what looks like one")
        return
    made = drafts.name("org commands", name, "query")
    drafts.objects.append(Draft("CommandTemplate", "org/commands", made, given({
        "displayName": name[:200], "os": ["linux"], "shell": "sh",
        "script": f"QUERY={_quoted(_one_line(query))}\n{_SHOW}", "output": "1MiB",
    }), item.source, clean(item.text("description"))[:200]))
    interval = item.part("interval")
    if interval is not None and interval.node.value:
        drafts.leave(item.source, f"interval of {name}", "answers of queries are not collected; a person or a "
                                                         "Schedule runs the CommandTemplate")


def script_of(item: Item, path: str, files: FleetFiles, drafts: Drafts) -> None:
    """A script into `drafts`, as a CommandTemplate with its file."""
    target = files.beside(item, path)
    if not target:
        return
    ending = f".{target.rpartition('.')[2].lower()}"
    shell = ENDINGS.get(ending)
    try:
        data = files.folder.read(target)
        text = data.decode()
    except GuruError as cause:
        drafts.leave(item.source, target, cause.message)
        return
    except UnicodeDecodeError:
        drafts.leave(item.source, target, "it is not text in UTF-8")
        return
    reason = _unfit_script(shell, text, data)
    if reason or shell is None:
        drafts.leave(item.source, target, reason)
        return
    if shell == "sh" and "bash" in text.split("\n", 1)[0]:
        shell = "bash"
    title = target.rpartition("/")[2].removesuffix(ending)
    name = drafts.name("org commands", title, "script")
    place = f"org/scripts/{name}{ending}"
    drafts.assets.append(Asset(place, data, item.source))
    drafts.objects.append(Draft("CommandTemplate", "org/commands", name, given({
        "displayName": title[:200], "os": SYSTEMS[shell] or None, "shell": shell, "source": place,
    }), item.source))


def _unfit_script(shell: str | None, text: str, data: bytes) -> str:
    if shell is None:
        return "no shell is known for its ending"
    if not text.strip() or len(data) > MAX_SCRIPT:
        return "it is empty, or has more than 256 KiB"
    if found := secret_in(text):
        return f"secret: it holds {found}, and is not written anywhere"
    if "$FLEET_SECRET_" in text or "$FLEET_VAR_" in text or "${FLEET_" in text:
        return "it holds a variable that Fleet fills in"
    return ""


def _one_line(query: str) -> str:
    """SQL on one line, unless a comment in it ends with its line."""
    return query if "--" in query else " ".join(line.strip() for line in query.split("\n"))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
