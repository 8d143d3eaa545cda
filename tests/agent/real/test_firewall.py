"""Firewall rules in a network of their own, by the real nft and the real packets that it lets through."""

from __future__ import annotations

from tests.agent.real.world import NOTHING, converge, done, run, tell

LIST = run("nft", "list", "chain", "inet", "filter", "input")
OURS = run("sh", "-c", "nft list chain inet filter input | grep -o 'guru [a-z]* [a-z]*'")
THEIRS = run("sh", "-c", """nft -f - <<'END'
table inet filter {
    chain input {
        type filter hook input priority 0; policy drop;
        tcp dport 9 counter accept
    }
}
END""")


def test_rules_are_put_mended_and_taken_out_beside_others() -> None:
    rule = {"name": "web", "ports": [443, "80-88", 89], "addresses": ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"]}
    spec = converge("firewall_rule", **rule, interface="eth0")
    _, made, again, listed, _, mended, gone, after, nothing = tell(
        THEIRS, spec, spec, LIST, run("sh", "-c", "nft delete rule inet filter input handle "
        "$(nft -a list chain inet filter input | grep ip6 | sed 's/.*handle //')"), spec,
        converge("firewall_rule", name="web", ensure="absent"), LIST,
        converge("firewall_rule", name="web", ensure="absent"),
    )

    assert done(made), made
    assert made["steps"] == ["nft: put the rule web"]
    assert again == nothing == NOTHING
    assert (
        'iifname "eth0" ip saddr { 10.0.0.0/8, 192.0.2.1 } tcp dport { 80-89, 443 } accept comment "guru allow web"'
        in listed["out"]
    )
    assert 'iifname "eth0" ip6 saddr 2001:db8::/32 tcp dport { 80-89, 443 } accept' in listed["out"]
    assert done(mended)
    assert done(gone)
    assert "guru" not in after["out"]
    assert "tcp dport 9 counter" in after["out"]


def test_what_allows_stands_before_what_denies_however_they_came() -> None:
    def allow(name: str) -> dict[str, object]:
        return converge("firewall_rule", name=name, ports=[22], addresses=["10.0.0.1"])

    def deny(name: str) -> dict[str, object]:
        return converge("firewall_rule", name=name, action="deny", protocol="any")

    *_, order = tell(THEIRS, deny("a"), allow("b"), deny("c"), allow("d"), OURS)

    assert order["out"].split("\n")[:4] == ["guru allow d", "guru allow b", "guru deny c", "guru deny a"]


def test_a_machine_without_a_firewall_gets_a_chain_and_packets_obey_it() -> None:
    # Nobody listens there: refused at once is 1, and a packet that is dropped is 124, out of time.
    knock = run("timeout", "1", "bash", "-c", "</dev/tcp/127.0.0.1/7777")
    spec = converge("firewall_rule", name="shut", action="deny", ports=[7777])
    before, made, again, during, changed, after = tell(
        knock, spec, spec, knock, converge("firewall_rule", name="shut", ports=[7777]), knock,
    )

    assert before["exit"] == 1
    assert done(made), made
    assert again == NOTHING
    assert during["exit"] == 124
    assert done(changed), changed
    assert after["exit"] == 1


def test_icmp_of_both_families_is_one_rule_of_ours() -> None:
    spec = converge("firewall_rule", name="ping", protocol="icmp")
    made, again = tell(spec, spec)

    assert done(made), made
    assert again == NOTHING


def test_ufw_keeps_its_rules_where_it_is_in_charge() -> None:
    spec = converge("firewall_rule", name="web", ports=[80, 443], addresses=["10.0.0.0/8", "192.0.2.1"])
    narrower = converge("firewall_rule", name="web", ports=[443], addresses=["192.0.2.1"])
    *_, enabled, made, again, added, changed, then, gone, left = tell(
        run("ufw", "allow", "22/tcp"), run("ufw", "--force", "enable"), spec, spec, run("ufw", "show", "added"),
        narrower, run("ufw", "show", "added"), converge("firewall_rule", name="web", ensure="absent"),
        run("ufw", "show", "added"),
    )

    assert enabled["exit"] == 0, enabled
    assert done(made), made
    assert again == NOTHING
    assert "ufw allow from 10.0.0.0/8 to any port 80,443 proto tcp comment 'guru web" in added["out"]
    assert done(changed)
    assert then["out"].count("guru web") == 1
    assert done(gone)
    assert left["out"].splitlines()[1:] == ["ufw allow 22/tcp"]
