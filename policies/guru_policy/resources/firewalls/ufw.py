"""Rules of ufw, told apart by their comments. Looks and plans; never touches the machine.

`ufw show added` prints each rule as the command that made it (ufw(8)); the comment holds a digest of what the rule
should be, since ufw shortens commands in its own way.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator
from typing import cast

from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.resources.firewalls.rule import Rule, short, written
from guru_policy.steps import Step, change_system


class Ufw:
    """What allows goes in front of the other rules, what denies behind them."""

    async def look(self, host: Host, rule: Rule) -> tuple[tuple[str, ...], ...]:
        """The rules of this name, each as the words after `ufw`, the comment last."""
        done = await host.run(("ufw", "show", "added"))
        if done.exit_code != 0:
            raise CannotLook(f"ufw failed: {' '.join(done.stderr.split())[:200]}")
        found = []
        for line in done.stdout.splitlines():
            try:
                words = shlex.split(line)
            except ValueError:
                continue                # somebody's comment with half a quote
            commented = len(words) > 3 and words[0] == "ufw" and words[-2] == "comment"
            if commented and words[-1].split(" ")[:2] == ["guru", rule.name]:
                found.append(tuple(words[1:]))
        return tuple(found)

    def steps(self, rule: Rule | None, now: object, name: str) -> Iterator[Step]:
        """See Firewall."""
        del name
        found = cast(tuple[tuple[str, ...], ...], now)
        wanted = [] if rule is None else list(_commands(rule))
        comments = {words[-1] for words in wanted}
        if len(found) == len(wanted) and {words[-1] for words in found} == comments:
            return
        for words in found:
            yield change_system("ufw", "--force", "delete", *words[:-2])
        for words in wanted:
            yield change_system("ufw", *(("prepend",) if words[0] == "allow" else ()), *words)


def _commands(rule: Rule) -> Iterator[tuple[str, ...]]:
    """The words of each rule of ufw that it takes: one for each source."""
    ports = ("port", ",".join(written(span).replace("-", ":") for span in rule.ports)) if rule.ports else ()
    interface = ("in", "on", rule.interface) if rule.interface else ()
    protocol = ("proto", rule.protocol) if rule.protocol in ("tcp", "udp") else ()
    bodies = [
        (rule.action, *interface, "from", source, "to", "any", *ports, *protocol)
        for source in [short(one) for one in rule.sources] or ["any"]
    ]
    digest = hashlib.sha256("\n".join(map(" ".join, bodies)).encode()).hexdigest()[:12]
    for body in bodies:
        yield (*body, "comment", f"guru {rule.name} {digest}")
