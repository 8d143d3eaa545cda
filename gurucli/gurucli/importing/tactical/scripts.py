"""Scripts of Tactical RMM to CommandTemplates with a file each, and the text that runs one with arguments. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pydantic import JsonValue

from gurucli.importing.drafts import Asset, Draft, Drafts, given
from gurucli.importing.suspecting import secret_among, secret_in
from gurucli.importing.tactical.models import Script
from gurucli.importing.tactical.reading import Parts

SHELLS = {"powershell": "powershell", "cmd": "cmd", "python": "python", "shell": "sh"}
ENDINGS = {"powershell": "ps1", "cmd": "cmd", "python": "py", "sh": "sh", "bash": "bash"}
PLATFORMS = {"windows": "windows", "linux": "linux", "darwin": "macos"}
MAX_BODY = 256 << 10                    # characters: what a CommandTemplate takes
_PLACEHOLDER = re.compile(r"\{\{[^{}]{1,200}\}\}")


class Body(NamedTuple):
    """A script as text: which shell reads it, and on which systems it is meant to run."""

    shell: str
    text: str
    os: tuple[str, ...]
    name: str                           # of its CommandTemplate
    timeout: int
    run_as_user: bool


def map_scripts(parts: Parts, drafts: Drafts, used: frozenset[int]) -> Mapping[int, Body]:
    """CommandTemplates and files into `drafts`; the bodies of all that could be read, by Tactical's id.

    Scripts of its own library that nothing uses are left: GuruRMM's users have them there, too.
    """
    found: dict[int, Body] = {}
    for ident in sorted(parts.scripts):
        source, script = parts.scripts[ident]
        if script.script_type == "builtin" and ident not in used:
            drafts.leave(source, script.name, "a script of Tactical's own library that no check or task uses")
            continue
        reason = _unfit(script)
        if reason:
            drafts.leave(source, script.name, reason)
            continue
        body = _body(script, drafts)
        found[ident] = body
        path = f"org/scripts/{body.name}.{ENDINGS[body.shell]}"
        drafts.assets.append(Asset(path, body.text.encode(), source))
        drafts.objects.append(Draft("CommandTemplate", "org/commands", body.name, given({
            "displayName": script.name[:200] or None, "os": list(body.os) or None, "shell": body.shell, "source": path,
            "runAs": "user" if body.run_as_user else None, "timeout": f"{body.timeout}s",
        }), source, _remark(script)))
        if script.args or script.env_vars:
            drafts.leave(source, f"default arguments of {script.name}",
                         "a template has params instead; tasks and checks that give arguments have them written in")
    return found


def _remark(script: Script) -> str:
    said = " ".join((script.description or "").split())
    return said[:200] if said and not secret_in(said) else ""


def _body(script: Script, drafts: Drafts) -> Body:
    text = (script.script_body or "").replace("\r\n", "\n").replace("\r", "\n")
    shell = SHELLS[script.shell]
    if shell == "sh" and "bash" in text.split("\n", 1)[0]:
        shell = "bash"
    name = drafts.name("org commands", script.name, f"script-{script.id}")
    timeout = min(max(script.default_timeout, 1), 86_400)
    return Body(shell, text, systems(script.supported_platforms or (), shell), name, timeout, script.run_as_user)


def systems(platforms: Sequence[str], shell: str) -> tuple[str, ...]:
    """The platforms by our names; what only Windows reads is for Windows."""
    if shell == "cmd":
        return ("windows",)
    return tuple(sorted({PLATFORMS[one] for one in platforms if one in PLATFORMS}))


def _unfit(script: Script) -> str:
    """Why a script cannot be imported; empty when it can."""
    if script.shell not in SHELLS:
        return f"no shell here is called {script.shell}"
    if script.script_body is None:
        return "only its row was saved: save GET /scripts/ID/ for its text"
    if not script.script_body.strip():
        return "it is empty"
    if len(script.script_body) > MAX_BODY:
        return "it has more than 256 KiB"
    return wrong_text(script.script_body)


def wrong_text(text: str) -> str:
    """Why a text cannot stand in a repository as it is; empty when it can."""
    if found := secret_in(text):
        return f"secret: it holds {found}, and is not written anywhere; put that into a Secret"
    if _PLACEHOLDER.search(text):
        return "it holds {{placeholders}} or snippets that Tactical fills in"
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        return "it holds characters that no file of text can hold"
    return ""


def environment(lines: Sequence[str | None]) -> tuple[dict[str, str], str]:
    """`NAME=value` lines as a map, or why not."""
    found: dict[str, str] = {}
    for line in lines:
        name, equals, value = (line or "").partition("=")
        if not line:
            continue
        if not equals or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,127}", name.strip()):
            return {}, "a variable is not written as NAME=value"
        found[name.strip()] = value
    if secret := secret_among(found):
        return {}, f"secret: the variable {secret} is not written anywhere; put it into a Secret"
    if reason := next((reason for value in found.values() if (reason := wrong_text(value))), ""):
        return {}, reason
    return found, ""


def with_arguments(body: Body, arguments: Sequence[str], env: Mapping[str, str]) -> str:
    """The script with arguments and variables written in; empty when its shell cannot be told so."""
    if not arguments and not env:
        return body.text
    if body.shell in ("sh", "bash"):
        exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in env.items())
        words = f"set -- {shlex.join(arguments)}\n" if arguments else ""
        first, _, rest = body.text.partition("\n")
        return f"{first}\n{exports}{words}{rest}" if first.startswith("#!") else f"{exports}{words}{body.text}"
    if body.shell == "powershell" and not arguments:
        return "".join(f"$env:{name} = {_quoted(value)}\n" for name, value in env.items()) + body.text
    if body.shell == "python":
        first = f"import os, sys\nsys.argv[1:] = {list(arguments)!r}\nos.environ.update({dict(env)!r})\n"
        return "" if "from __future__" in body.text else first + body.text
    return ""


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def template_spec(body: Body, text: str, title: str, timeout: int | None) -> dict[str, JsonValue]:
    """The spec of a CommandTemplate that holds its script itself."""
    seconds = min(max(timeout or body.timeout, 1), 86_400)
    return given({
        "displayName": title[:200] or None, "os": list(body.os) or None, "shell": body.shell,
        "script": text if text.endswith("\n") else text + "\n",
        "runAs": "user" if body.run_as_user else None, "timeout": f"{seconds}s",
    })
