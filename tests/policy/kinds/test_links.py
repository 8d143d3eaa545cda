"""Objects that name each other: up the scope chain, never sideways, and only what suits."""

from __future__ import annotations

import pytest

from guru_policy.loading import ParseCache, load
from guru_policy.tree import Entry, MemoryTree
from tests.policy.writing import BASE, fleet, group, policy, written

Files = dict[str, bytes | str | None]
KEY = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
AGE = "age-encryption.org/v1\n-> X25519\n"
BIRCH: Files = {
    "customers/birch/customer.yaml": "apiVersion: guru/v1\nkind: Customer\nmetadata: {name: birch}\n",
    "customers/birch/sites/hq/site.yaml": "apiVersion: guru/v1\nkind: Site\nmetadata: {name: hq}\n",
}
TEMPLATE = written("CommandTemplate", "clean", "shell: sh\nscript: ls\nparams:\n"
                   "  days: {type: integer, max: 9}\n  pin: {type: secret}\n  loud: {type: boolean, default: false}")
SCHEDULE = "cron: 0 2 * * *\ntemplate: clean\n"
SECRET = f"file: {{}}\nrecipients: {{{{a: {KEY}}}}}"
RELEASE = f"version: 1.0.0\nplatforms: {{linux-x86_64: {{url: 'https://a.example/x', sha256: {SHA}, size: 5}}}}"


def channel(name: str) -> str:
    return written("NotificationChannel", name, "type: email\nto: [a@b.c]")


CASES: dict[str, tuple[Files, list[str]]] = {
    "a step finds a channel of its own and of the organisation": (
        {"org/noc.yaml": channel("noc"), "customers/acme/own.yaml": channel("own"),
         "customers/acme/e.yaml": written("EscalationPolicy", "e", "steps: {a: {after: 0s, notify: [noc, own]}}")},
        [],
    ),
    "a step never finds another customer's channel": (
        BIRCH | {"customers/birch/own.yaml": channel("own"),
                 "customers/acme/e.yaml": written("EscalationPolicy", "e", "steps: {a: {after: 0s, notify: [own]}}")},
        ["customers/acme/e.yaml:5:35: spec.steps.a.notify[0]: there is no NotificationChannel `own` "
         "in customers/acme or org"],
    ),
    "an organisation's object never finds a customer's": (
        {"customers/acme/own.yaml": channel("own"),
         "org/e.yaml": written("EscalationPolicy", "e", "steps: {a: {after: 0s, notify: [own]}}")},
        ["org/e.yaml:5:35: spec.steps.a.notify[0]: there is no NotificationChannel `own` in org"],
    ),
    "parameters are the template's": (
        {"org/t.yaml": TEMPLATE, "org/pin.yaml": written("Secret", "pin", SECRET.format("org/pin.age")),
         "org/pin.age": AGE, "customers/acme/sites/hq/s.yaml": written(
             "Schedule", "s", SCHEDULE + "params: {days: 12, pin: pni, lout: true}")},
        ["customers/acme/sites/hq/s.yaml:7:18: spec.params.days: `12` is above 9",
         "customers/acme/sites/hq/s.yaml:7:27: spec.params.pin: there is no Secret `pni` in "
         "customers/acme/sites/hq or customers/acme or org (name a Secret, never the secret itself)",
         "customers/acme/sites/hq/s.yaml:7:38: spec.params.lout: the template `clean` has no such parameter "
         "(did you mean `loud`?)"],
    ),
    "a parameter without a default must be given": (
        {"org/t.yaml": written("CommandTemplate", "clean", "shell: sh\nscript: ls\nparams: {days: {type: integer}}"),
         "org/s.yaml": written("Schedule", "s", SCHEDULE)},
        ["org/s.yaml:4:1: spec.params: `days` is missing, and the template has no default for it"],
    ),
    "an agent cannot talk itself into a secret": (
        {"org/t.yaml": TEMPLATE, "org/pin.yaml": written("Secret", "pin", SECRET.format("org/pin.age")),
         "org/pin.age": AGE,
         "org/s.yaml": written("Schedule", "s", SCHEDULE + "params: {days: 1, pin: pin}\nselector: fact/os=linux")},
        ["org/s.yaml:7:26: spec.params.pin: a label that the agent reports would decide who gets a secret "
         "(select by git/ or op/ labels, customer, site or name: an agent can lie about itself)"],
    ),
    "a role has no group that an agent can talk itself into": (
        {"groups/linux.yaml": group("linux", 1, "fact/os=linux"),
         "org/r.yaml": written("Role", "r", "rules: {a: {verbs: [device.read], selector: group=linux}}")},
        ["org/r.yaml:5:47: spec.rules.a.selector: a label that the agent reports would decide about a role "
         "(select by git/ or op/ labels, customer, site or name: an agent can lie about itself)"],
    ),
    "elevation by facts, through the group's folder": (
        {"groups/linux.yaml": group("linux", 1, "fact/os=linux"), "groups/linux/a.yaml": written(
            "ActionSet", "a", "actions: {x: {type: RestartService, label: X, service: cups}}")},
        ["groups/linux/a.yaml:5:13: spec.actions.x: a label that the agent reports would decide about elevation "
         "(select by git/ or op/ labels, customer, site or name: an agent can lie about itself)"],
    ),
    "a PIN that is nowhere": (
        {"org/a.yaml": written("ActionSet", "a", "actions: {x: {type: About, label: X, pin: door}}")},
        ["org/a.yaml:5:45: spec.actions.x.pin: there is no Secret `door` in org"],
    ),
    "a binding of nothing to nowhere": (
        {"org/b.yaml": written("Binding", "b", "subjects: [user:ada]\nrole: boss\nscope: customers/acmee/sites/hq")},
        ["org/b.yaml:6:9: spec.role: there is no Role `boss` in org",
         "org/b.yaml:7:10: spec.scope: there is no Customer `acmee` (did you mean `acme`?)"],
    ),
    "a role in a customer's folder": (
        {"customers/acme/r.yaml": written("Role", "r", "rules: {a: {verbs: ['*']}}")},
        ["customers/acme/r.yaml:3:18: a Role does not belong in customers/acme (move it to org/)"],
    ),
    "a binding in a customer's folder": (
        {"customers/acme/b.yaml": written("Binding", "b", "subjects: [user:ada]\nrole: r\nscope: org")},
        ["customers/acme/b.yaml:3:18: a Binding does not belong in customers/acme (move it to org/)"],
    ),
    "an action set of one device": (
        {"devices/acme/hq/a.yaml": written("ActionSet", "a", "actions: {}")},
        ["devices/acme/hq/a.yaml:3:18: an ActionSet does not belong in devices/acme/hq (move it to org/ or "
         "customers/<customer>/ or customers/<customer>/sites/<site>/ or groups/<group>/)"],
    ),
    "a secret of somebody else's folder": (
        {"customers/acme/s.yaml": written("Secret", "s", SECRET.format("org/pin.age")), "org/pin.age": AGE},
        ["customers/acme/s.yaml:5:9: spec.file: `org/pin.age` is not in customers/acme/ "
         "(a secret lies in the folder of the scope that it belongs to)"],
    ),
    "a secret without its file": (
        {"org/s.yaml": written("Secret", "s", SECRET.format("org/pin.age"))},
        ["org/s.yaml:5:9: spec.file: there is no file `org/pin.age` in the repository"],
    ),
    "a secret in plain text": (
        {"org/s.yaml": written("Secret", "s", SECRET.format("org/pin.age")), "org/pin.age": "hunter2\n"},
        ["org/pin.age: this is no file that age encrypted, and a Secret names it "
         "(encrypt it, and take what stood in it for known: it is in Git's history)"],
    ),
    "one version, two builds": (
        {"org/r1.yaml": written("AgentRelease", "r1", RELEASE), "org/r2.yaml": written("AgentRelease", "r2", RELEASE)},
        ["org/r2.yaml:5:12: spec.version: `1.0.0` is already AgentRelease r1 in org/r1.yaml:1:1 "
         "(a fix is a new version)"],
    ),
    "a channel without releases": (
        {"org/r.yaml": written("AgentRelease", "r", RELEASE),
         "org/o.yaml": written("Rollout", "o", "applies: [agent]\nchannel: stabel\nbatches: {all: {}}")},
        ["org/o.yaml:6:12: spec.channel: no AgentRelease is in the channel `stabel` (did you mean `stable`?)"],
    ),
    "a batch of a group that is not there": (
        {"org/o.yaml": written("Rollout", "o", "batches: {a: {selector: group=ring}}")},
        ["org/o.yaml:5:27: spec.batches.a.selector: there is no DeviceGroup `ring`"],
    ),
    "a script of another customer": (
        BIRCH | {"customers/birch/x.sh": "", "customers/acme/t.yaml": written(
            "CommandTemplate", "t", "shell: sh\nsource: customers/birch/x.sh")},
        ["customers/acme/t.yaml:6:11: `customers/birch/x.sh` belongs to customer birch "
         "(copy it to a place of your own)"],
    ),
    "a test of another customer": (
        BIRCH | {"customers/acme/t.yaml": written(
            "Test", "t", "device: {customer: birch, site: hq}\nabsent: [checks]")},
        ["customers/acme/t.yaml:5:22: spec.device.customer: a test of acme cannot be about `birch` "
         "(put it into org/, or into that customer's folder)"],
    ),
    "a test looks up from its device": (
        {"org/p.yaml": policy("p", "checks: {x: {kind: cpu}}"), "customers/acme/sites/hq/w.yaml": written(
            "MaintenanceWindow", "night", "cron: 0 2 * * *\nduration: 1h"),
         "customers/acme/r.yaml": written("AlertRule", "r", "check: x"),
         "org/t.yaml": written("Test", "t", "device: {customer: acme, site: hq}\nseries: {x: ok}\n"
                               "timeline: [{at: 0s, alert: r, muted: night}, {at: 1m, alert: q, state: firing}]")},
        ["org/t.yaml:7:64: spec.timeline[1].alert: there is no AlertRule `q` in customers/acme/sites/hq or "
         "customers/acme or org (one of r)"],
    ),
    "a test of a site that is not there": (
        {"org/t.yaml": written("Test", "t", "device: {customer: acme, site: hp}\nabsent: [checks]")},
        ["org/t.yaml:5:34: spec.device.site: there is no Site `hp` (one of hq)"],
    ),
}


@pytest.mark.parametrize(("files", "messages"), CASES.values(), ids=CASES.keys())
def test_a_reference_leads_up_the_scope_chain_and_to_what_suits(files: Files, messages: list[str]) -> None:
    assert [str(fault) for fault in fleet(files).faults] == messages


def test_a_fault_of_a_secret_belongs_to_the_customer_whose_file_it_is() -> None:
    found = fleet({"customers/acme/s.yaml": written("Secret", "s", SECRET.format("customers/acme/pin.age")),
                   "customers/acme/pin.age": "hunter2"})

    assert len(found.faults_of("acme")) == 1
    assert found.faults_of(None) == ()


class CountingTree(MemoryTree):
    """A MemoryTree that remembers what was read."""

    def __init__(self, files: dict[str, bytes | str]) -> None:
        super().__init__(files)
        self.opened: list[str] = []

    def read(self, entry: Entry) -> bytes:
        self.opened.append(entry.path)
        return super().read(entry)


def test_an_encrypted_file_is_looked_at_once_for_all_revisions() -> None:
    files = {**BASE, "org/s.yaml": written("Secret", "s", SECRET.format("org/pin.age")), "org/pin.age": AGE}
    cache = ParseCache()
    load(CountingTree(files), cache)
    again = CountingTree(files)
    load(again, cache)

    assert again.opened == []
