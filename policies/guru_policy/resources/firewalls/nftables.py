"""Rules of nftables in a chain that others may own too, told apart by their comments. Looks and plans.

Rules are compared as `nft --json` lists them (libnftables-json(5)); a change is one transaction on standard input.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, NamedTuple, cast

import orjson
from pydantic import Field, JsonValue, ValidationError

from guru_policy.errors import CannotLook
from guru_policy.host import Host
from guru_policy.model import Carried
from guru_policy.resources.firewalls.rule import Network, Rule
from guru_policy.steps import Execute, Step

_OURS = "guru allow "


class _Listed(Carried):
    handle: int
    comment: str = ""
    expr: list[JsonValue] = []


class _Entry(Carried):
    rule: _Listed | None = None


class _Answer(Carried):
    nftables: Annotated[list[_Entry], Field(max_length=20_000)]


_Rule = tuple[int, str, list[JsonValue]]


class ChainState(NamedTuple):
    """The chain's rules in order, each (handle, comment, expressions); None when there is no such chain."""

    rules: tuple[_Rule, ...] | None


class Nftables:
    """The chain `input` of the table `inet filter`, as in the nftables.conf that distributions ship."""

    def __init__(self, table: str = "filter", chain: str = "input") -> None:
        self._chain: dict[str, JsonValue] = {"family": "inet", "table": table, "chain": chain}
        self._names = (table, chain)

    async def look(self, host: Host, rule: Rule) -> ChainState:
        """See Firewall."""
        del rule
        done = await host.run(("nft", "--json", "list", "chain", "inet", *self._names))
        if done.exit_code != 0:
            if "No such file or directory" in done.stderr:
                return ChainState(None)
            raise CannotLook(f"nft failed: {' '.join(done.stderr.split())[:200]}")
        try:
            answer = _Answer.model_validate_json(done.stdout)
        except ValidationError as cause:
            raise CannotLook("nft answers in a form that cannot be read") from cause
        given = (entry.rule for entry in answer.nftables if entry.rule is not None)
        return ChainState(tuple((one.handle, one.comment, one.expr) for one in given))

    def steps(self, rule: Rule | None, now: object, name: str) -> Iterator[Step]:
        """See Firewall. What allows stands in front of what denies, and both in front of everybody else's."""
        listed = cast(ChainState, now).rules
        rules = listed or ()
        mine = [one for one in rules if one[1] in (f"guru allow {name}", f"guru deny {name}")]
        wanted = [] if rule is None else list(_expressions(rule))
        comment = "" if rule is None else f"guru {rule.action} {name}"
        found = sorted(_canonical(expr) for _, said, expr in mine if said == comment)
        if found == sorted(map(_canonical, wanted)) and len(found) == len(mine):
            return
        commands: list[JsonValue] = []
        if listed is None:
            commands += self._made()
        commands += [{"delete": {"rule": {**self._chain, "handle": handle}}} for handle, _, _ in mine]
        place = self._place(rule, [one for one in rules if one not in mine])
        commands += [{place[0]: {"rule": {**place[1], "comment": comment, "expr": expr}}} for expr in wanted]
        says = f"nft: {'put' if wanted else 'take out'} the rule {name}"
        text = orjson.dumps({"nftables": commands})
        yield Execute(("nft", "--json", "--file", "-"), system=True, stdin=text, says=says)

    def _place(self, rule: Rule | None, others: list[_Rule]) -> tuple[str, dict[str, JsonValue]]:
        """The verb and the words for where a rule goes: at the head, or for `deny` behind our last `allow`.

        nft 1.0.6 passes over the handle of an `add`, so the place is named by the rule that follows.
        """
        allows = [index for index, one in enumerate(others) if one[1].startswith(_OURS)]
        if rule is None or rule.action == "allow" or not allows:
            return "insert", self._chain
        follower = others[allows[-1] + 1 :]
        return ("insert", {**self._chain, "handle": follower[0][0]}) if follower else ("add", self._chain)

    def _made(self) -> list[JsonValue]:
        table, chain = self._names
        hook: dict[str, JsonValue] = {"type": "filter", "hook": "input", "prio": 0, "policy": "accept"}
        return [
            {"add": {"table": {"family": "inet", "name": table}}},
            {"add": {"chain": {"family": "inet", "table": table, "name": chain, **hook}}},
        ]


def _expressions(rule: Rule) -> Iterator[list[JsonValue]]:
    """One list of expressions for each rule of nftables that it takes: IPv4 and IPv6 apart where they differ."""
    by_version: list[tuple[str, tuple[Network, ...]]] = [
        (family, found) for family, version in (("ip", 4), ("ip6", 6))
        if (found := tuple(one for one in rule.sources if one.version == version))
    ]
    if not by_version and rule.protocol == "icmp":
        by_version = [("ip", ()), ("ip6", ())]
    for family, sources in by_version or [("", ())]:
        expr: list[JsonValue] = []
        if rule.interface is not None:
            expr.append(_match({"meta": {"key": "iifname"}}, [rule.interface]))
        if sources:
            expr.append(_match({"payload": {"protocol": family, "field": "saddr"}}, [_source(one) for one in sources]))
        if rule.protocol == "icmp":
            expr.append(_match({"meta": {"key": "l4proto"}}, ["icmp" if family == "ip" else "ipv6-icmp"]))
        elif rule.ports:
            spans: list[JsonValue] = [low if low == high else {"range": [low, high]} for low, high in rule.ports]
            expr.append(_match({"payload": {"protocol": rule.protocol, "field": "dport"}}, spans))
        elif rule.protocol != "any":
            expr.append(_match({"meta": {"key": "l4proto"}}, [rule.protocol]))
        expr.append({"accept": None} if rule.action == "allow" else {"drop": None})
        yield expr


def _match(left: JsonValue, values: list[JsonValue]) -> JsonValue:
    return {"match": {"op": "==", "left": left, "right": values[0] if len(values) == 1 else {"set": values}}}


def _source(network: Network) -> JsonValue:
    address = str(network.network_address)
    return address if network.prefixlen == network.max_prefixlen else {
        "prefix": {"addr": address, "len": network.prefixlen}
    }


def _canonical(expr: list[JsonValue]) -> bytes:
    """Equal for equal expressions: sets in one order, counters left out."""
    kept = [one for one in expr if not (isinstance(one, dict) and "counter" in one)]
    return orjson.dumps(_sorted(kept), option=orjson.OPT_SORT_KEYS)


def _sorted(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {
            key: sorted(map(_sorted, inner), key=orjson.dumps) if key == "set" and isinstance(inner, list)
            else _sorted(inner) for key, inner in value.items()
        }
    return [_sorted(inner) for inner in value] if isinstance(value, list) else value
