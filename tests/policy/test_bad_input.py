"""Everything bad that can stand in a repository, each with its whole message and place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pytest

from guru_policy.loading import load
from guru_policy.text.reading import read_yaml
from guru_policy.text.suggesting import did_you_mean
from guru_policy.tree import Entry, MemoryTree
from tests.policy.writing import BASE, fleet, policy

BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 10)}]\n" for i in range(7)
)
TEXTS = {
    "duplicate key": (
        "a: 1\nb: 2\na: 3\n", "f.yaml:3:1: the key `a` is already set in line 1 (keep one of the two)",
    ),
    "duplicate key, deep": (
        "a:\n  - {x: 1, x: 1}\n", "f.yaml:2:12: the key `x` is already set in line 2 (keep one of the two)",
    ),
    "tab": ("a:\n\tb: 1\n", "f.yaml:2:1: a tab cannot indent (use spaces)"),
    "anchor bomb": (BOMB, "f.yaml:5:29: aliases make the file larger than 100,000 values (write it out)"),
    "anchor within itself": ("a: &a [*a]\n", "f.yaml:1:8: the alias `*a` has no anchor above it"),
    "merge key": (
        "a: {x: 1}\nb:\n  <<: {y: 1}\n",
        "f.yaml:3:3: merge keys (`<<`) are not allowed (layers merge: write each value once)",
    ),
    "tag": (
        "a: !!python/object:os.system x\n",
        "f.yaml:1:4: the tag `tag:yaml.org,2002:python/object:os.system` is not allowed (write the plain value)",
    ),
    "Latin-1": (
        b"a: 1\nb: caf\xe9\n", "f.yaml:2:7: byte 0xE9 at position 11 is not UTF-8 (save the file as UTF-8)",
    ),
    "UTF-16": (
        "a: 1".encode("utf-16"), "f.yaml:1:1: byte 0xFF at position 0 is not UTF-8 (save the file as UTF-8)",
    ),
    "NUL": ("a: 1\nb: \0\n", "f.yaml:2:4: the control character U+0000 is not allowed (remove it)"),
    "escaped NUL": ('a: "x\\0y"\n', "f.yaml:1:4: the control character U+0000 is not allowed"),
    "flow too deep": ("[" * 500_000, "f.yaml:1:65: values are nested more than 64 deep"),
    "block too deep": ("- " * 400_000, "f.yaml:1:129: values are nested more than 64 deep"),
    "too large": (
        b"#" * 50_000_000,
        "f.yaml: the file has 50,000,000 bytes; a YAML file may have 1,048,576 (split it)",
    ),
    "two colons": (
        "a: b: c\n",
        "f.yaml:1:5: a second `:` stands in one line (quote the value, or begin a new line)",
    ),
    "infinity": (
        "a: .inf\n",
        "f.yaml:1:4: `.inf`: infinity and not-a-number are not values here (quote it to mean text)",
    ),
    "map as key": ("? {a: 1}\n: 2\n", "f.yaml:1:3: a key must be a word, not a list, a map or an alias"),
}


@pytest.mark.parametrize(("data", "message"), TEXTS.values(), ids=TEXTS.keys())
def test_what_is_no_strict_yaml_is_refused_with_its_place(data: bytes | str, message: str) -> None:
    reading = read_yaml("f.yaml", data.encode() if isinstance(data, str) else data)

    assert [str(fault) for fault in reading.faults] == [message]


def test_aliases_that_stack_their_depth_are_refused_and_never_overflow() -> None:
    rows = [f"k0: &n0 {'[' * 60}x{']' * 60}"]
    rows += [f"k{i}: &n{i} {'[' * 60}*n{i - 1}{']' * 60}" for i in range(1, 50)]
    reading = read_yaml("f.yaml", "\n".join(rows).encode())

    assert [fault.message for fault in reading.faults] == ["values are nested more than 64 deep"]


OBJECTS: dict[str, tuple[dict[str, bytes | str | None], list[str]]] = {
    "unknown kind": (
        {"org/a.yaml": "apiVersion: guru/v1\nkind: Polcy\nmetadata: {name: a}\n"},
        ["org/a.yaml:2:7: kind: there is no kind `Polcy` (did you mean `Policy`?)"],
    ),
    "later kind": (
        {"org/a.yaml": "apiVersion: guru/v1\nkind: Report\nmetadata: {name: a}\n"},
        ["org/a.yaml:2:7: kind `Report` is not supported by this version"],
    ),
    "other version": (
        {"org/a.yaml": "apiVersion: guru/v9\nkind: Policy\nmetadata: {name: a}\n"},
        ["org/a.yaml:1:13: apiVersion: `guru/v9` is not supported by this version (write guru/v1)"],
    ),
    "unknown field": (
        {"fleet.yaml": "apiVersion: guru/v1\nkind: Fleet\nmetadata: {name: x}\n"
                       "spec:\n  limits:\n    maxDelet: {count: 3}\n"},
        ["fleet.yaml:6:5: spec.limits.maxDelet: there is no such field (did you mean `maxDelete`?)"],
    ),
    "snake case is no second spelling": (
        {"fleet.yaml": "apiVersion: guru/v1\nkind: Fleet\nmetadata: {name: x}\n"
                       "spec: {limits: {max_delete: {count: 3}}}\n"},
        ["fleet.yaml:4:17: spec.limits.max_delete: there is no such field (did you mean `maxDelete`?)"],
    ),
    "name that is no label": (
        {"org/a.yaml": policy("'Big One'", "checks: {}")},
        ["org/a.yaml:3:18: metadata.name: `Big One` is not well formed "
         "(it must match ^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$)"],
    ),
    "unquoted mode": (
        {"org/a.yaml": policy("a", "resources:\n  x: {kind: file, path: /x, content: a, mode: 0644}")},
        ["org/a.yaml:6:49: spec.resources.x.mode: the mode 644 is a number and not permission bits "
         '(quote it: "0644")'],
    ),
    "off is text": (
        {"org/a.yaml": policy("a", "resources:\n  x: {kind: file, path: /x, content: a, backup: off}")},
        ["org/a.yaml:6:51: spec.resources.x.backup: must be true or false, not `off`"],
    ),
    "12:30 is text": (
        {"org/a.yaml": policy("a", "agent: {heartbeat: 12:30}")},
        ["org/a.yaml:5:22: spec.agent.heartbeat: `12:30` is not a duration (write 90s, 5m, 1h30m or 1d)"],
    ),
    "unknown check kind": (
        {"org/a.yaml": policy("a", "checks:\n  d: {kind: disk}")},
        ["org/a.yaml:6:15: spec.checks.d.kind: there is no check kind `disk` "
         "(one of cpu, disk_space, http, memory, port, process, script, service)"],
    ),
    "check without kind that nobody completes": (
        {"org/a.yaml": policy("a", "checks:\n  d: {warning: 3%}")},
        ["org/a.yaml:6:5: spec.checks.d.kind: is missing "
         "(one of cpu, disk_space, http, memory, port, process, script, service)"],
    ),
    "bad selector": (
        {"org/a.yaml": policy("a", "selector: os in linux")},
        ["org/a.yaml:5:13: spec.selector: selector `os in linux`, column 7: "
         "expected `(` and a list of values, found `linux`"],
    ),
    "unknown group in a selector": (
        {"org/a.yaml": policy("a", "selector: group=web")},
        ["org/a.yaml:5:13: spec.selector: there is no DeviceGroup `web`"],
    ),
    "wrong marker": (
        {"org/a.yaml": policy("a", "checks:\n  d: {$remov: true, kind: cpu}")},
        ["org/a.yaml:6:9: `$remov` is no marker (did you mean `$remove`?)"],
    ),
    "object outside": (
        {"stuff/a.yaml": policy("a", "checks: {}")},
        ["stuff/a.yaml: an object stands outside org/, customers/, groups/ and devices/ "
         "(move the file into one of these folders)"],
    ),
    "wrong home": (
        {"org/a.yaml": "apiVersion: guru/v1\nkind: Site\nmetadata: {name: a}\n"},
        ["org/a.yaml:3:18: a Site does not belong in org (move it to customers/<customer>/sites/<site>/)"],
    ),
    "customer of another folder": (
        {"customers/acme/customer.yaml": "apiVersion: guru/v1\nkind: Customer\nmetadata: {name: acne}\n"},
        ["customers/acme/customer.yaml:3:18: metadata.name: `acne` stands in the folder of `acme` "
         "(the folder's name is the object's name)"],
    ),
    "folder without its customer": (
        {"customers/birch/p.yml": policy("a", "checks: {}")},
        ["customers/birch/p.yml: there is no Customer object `birch` for what stands in customers/birch "
         "(add it in customers/birch/, or remove the folder)"],
    ),
    "the same twice": (
        {"org/a.yaml": policy("a", "checks: {}"), "org/b.yml": policy("a", "checks: {}")},
        ["org/b.yml:1:1: Policy a is already defined in org/a.yaml:1:1 (rename one, or remove it)"],
    ),
    "no Fleet": (
        {"fleet.yaml": None},
        ["/: no Fleet object: this is not a fleet repository, and nothing is taken from it "
         "(put one into fleet.yaml at the root)"],
    ),
    "unknown channel": (
        {"customers/acme/a.yaml": "apiVersion: guru/v1\nkind: AlertRule\nmetadata: {name: r}\n"
                                  "spec:\n  check: cpu\n  notify: [dsk]\n",
         "customers/acme/p.yaml": policy("p", "checks: {cpu: {kind: cpu}}"),
         "org/c.yaml": "apiVersion: guru/v1\nkind: NotificationChannel\nmetadata: {name: desk}\n"
                       "spec: {type: email, to: [a@example.org]}\n"},
        ["customers/acme/a.yaml:6:12: spec.notify[0]: there is no NotificationChannel `dsk` in "
         "customers/acme or org (did you mean `desk`?)"],
    ),
    "placeholder": (
        {"org/a.yaml": "apiVersion: guru/v1\nkind: AlertRule\nmetadata: {name: r}\n"
                       "spec:\n  check: cpu\n  summary: '{devise} is down'\n",
         "org/p.yaml": policy("p", "checks: {cpu: {kind: cpu}}")},
        ["org/a.yaml:6:12: spec.summary: `{devise}` is not a placeholder (did you mean `device`?)"],
    ),
    "file of another customer": (
        {"org/a.yaml": policy("a", "resources:\n  x: {kind: file, path: /x, source: customers/acme/key}"),
         "customers/acme/key": "k"},
        ["org/a.yaml:6:39: `customers/acme/key` belongs to customer acme (copy it to a place of your own)"],
    ),
    "file that is not there": (
        {"org/a.yaml": policy("a", "resources:\n  x: {kind: file, path: /x, source: files/x}")},
        ["org/a.yaml:6:39: there is no file `files/x` in the repository"],
    ),
    "newline in a file name": (
        {"org/a\nb.yaml": policy("a", "checks: {}")},
        ["org/a\\nb.yaml: the file's name holds a control character or is not UTF-8 (rename the file)"],
    ),
    "a number for text": (
        {"customers/acme/customer.yaml": "apiVersion: guru/v1\nkind: Customer\nmetadata: {name: acme}\n"
                                         "spec: {displayName: 7}\n"},
        ["customers/acme/customer.yaml:4:21: spec.displayName: must be text, not `7` (quote it to mean text)"],
    ),
}


@pytest.mark.parametrize(("files", "messages"), OBJECTS.values(), ids=OBJECTS.keys())
def test_every_fault_of_an_object_tells_place_and_remedy(
    files: dict[str, bytes | str | None], messages: list[str]
) -> None:
    assert [str(fault) for fault in fleet(files).faults] == messages


def test_an_empty_repository_has_a_fault_of_the_organisation_and_never_means_delete_everything() -> None:
    empty = load(MemoryTree({}))

    assert [fault.message for fault in empty.faults_of(None)] == [
        "no Fleet object: this is not a fleet repository, and nothing is taken from it"
    ]


def test_all_faults_of_all_files_come_at_once_and_in_order() -> None:
    found = fleet({
        "org/z.yaml": "a: 1\na: 2\n", "customers/acme/p.yaml": policy("p", "chekcs: {}\nmode: of"),
    })

    assert [str(fault.origin) for fault in found.faults] == [
        "customers/acme/p.yaml:5:3", "customers/acme/p.yaml:6:9",
        "org/z.yaml:1:1", "org/z.yaml:1:1", "org/z.yaml:1:1", "org/z.yaml:1:1", "org/z.yaml:2:1",
    ]


def test_a_byte_order_mark_and_windows_line_ends_change_nothing() -> None:
    text = policy("a", "checks:\n  d: {kind: cpu, warning: 200%}")
    windows = fleet({"org/a.yaml": b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()})

    assert windows.faults == fleet({"org/a.yaml": text}).faults
    assert [str(fault.origin) for fault in windows.faults] == ["org/a.yaml:6:29"]


SPECIAL = ("org/out.yaml", "customers/birch", "docs/x", "a.yml")


class SpecialTree(MemoryTree):
    """A tree with entries that are no files."""

    def __init__(self, files: dict[str, bytes | str], special: Sequence[Entry]) -> None:
        super().__init__(files)
        self.special = special

    def entries(self) -> Sequence[Entry]:
        """The files and the others."""
        return [*super().entries(), *self.special]


@pytest.mark.parametrize(("kind", "noun"), [("link", "symbolic link"), ("submodule", "submodule")])
def test_a_link_or_submodule_among_the_objects_is_refused_and_elsewhere_ignored(
    kind: Literal["link", "submodule"], noun: str
) -> None:
    special = [Entry(path, kind, 9, "0" * 40) for path in SPECIAL]
    found = load(SpecialTree(BASE, special))

    assert [str(fault) for fault in found.faults] == [
        f"{path}: a {noun} cannot stand here (put the files themselves there)"
        for path in ("a.yml", "customers/birch", "org/out.yaml")
    ]


def test_a_link_that_a_resource_wants_to_carry_is_refused() -> None:
    wants = policy("a", "resources:\n  x: {kind: file, path: /x, source: files/passwd}")
    found = load(SpecialTree({**BASE, "org/a.yaml": wants}, [Entry("files/passwd", "link", 11, "0" * 40)]))

    assert [str(fault) for fault in found.faults] == [
        "org/a.yaml:6:39: `files/passwd` is a symbolic link, not a file (put the file itself there)"
    ]
    assert found.asset_entries() == {}


def test_a_file_of_fifty_megabytes_is_refused_without_being_read() -> None:
    class Unreadable(SpecialTree):
        def read(self, entry: Entry) -> bytes:
            assert entry.path != "org/huge.yaml"
            return super().read(entry)

    found = load(Unreadable(BASE, [Entry("org/huge.yaml", "file", 50_000_000, "0" * 40)]))

    assert [str(fault) for fault in found.faults] == [
        "org/huge.yaml: the file has 50,000,000 bytes; a YAML file may have 1,048,576 (split it)"
    ]


def test_other_files_are_ignored() -> None:
    found = fleet({
        "README.md": "apiVersion: guru/v1", "scripts/compose.yaml": "apiVersion: apps/v1\n\tbroken",
        ".forge/ci.yml": "on: push", "mkdocs.yml": "site_name: x",
    })

    assert found.faults == ()


def test_a_broken_channel_does_not_make_its_users_faulty_too() -> None:
    rule = ("apiVersion: guru/v1\nkind: AlertRule\nmetadata: {name: r}\n"
            "spec: {check: cpu, notify: [desk]}\n")
    found = fleet({
        "org/r.yaml": rule, "org/p.yaml": policy("p", "checks: {cpu: {kind: cpu}}"),
        "org/c.yaml": "apiVersion: guru/v1\nkind: NotificationChannel\nmetadata: {name: desk}\n"
                      "spec: {type: pigeon}\n",
    })

    assert [str(fault) for fault in found.faults] == [
        "org/c.yaml:4:14: spec.type: there is no channel type `pigeon` (one of email, webhook)"
    ]


def test_a_fault_belongs_to_the_customer_whose_folder_it_is_in() -> None:
    found = fleet({"customers/acme/p.yaml": "x: 1\n", "org/q.yaml": "x: 1\n"})

    assert {fault.origin.path for fault in found.faults_of("acme")} == {"customers/acme/p.yaml"}
    assert {fault.origin.path for fault in found.faults_of(None)} == {"org/q.yaml"}


def test_a_long_text_repeated_by_aliases_is_refused_at_once() -> None:
    many = "".join(f"    r{n}: {{kind: file, path: *x}}\n" for n in range(10_000))
    text = f"apiVersion: guru/v1\nkind: Policy\nmetadata: {{name: p}}\nspec:\n  note: &x {'A' * 500_000}\n{many}"

    faults = read_yaml("org/p.yaml", text.replace("    r0", "  resources:\n    r0").encode()).faults

    assert [fault.message for fault in faults] == ["aliases make the file longer than 1,048,576 characters"]


HEAD = "apiVersion: guru/v1\nkind: Policy\nmetadata: {name: p}\nspec:\n"
FULL_OF_FAULTS = {
    "unknown words around an object": HEAD.replace("spec:", "spec: {}") + "".join(f"k{n}: 1\n" for n in range(5000)),
    "unknown fields": HEAD + "  checks:\n    a:\n      kind: cpu\n" + "".join(f"      w{n}: 1\n" for n in range(5000)),
    "unknown kinds": HEAD + "  checks:\n" + "".join(f"    c{n}: {{kind: cp{n}}}\n" for n in range(5000)),
    "unfit items": HEAD + "  checks:\n" + "".join(f"    c{n}: {{kind: cpu, w: 1}}\n" for n in range(5000)),
    "unknown markers": HEAD + "  checks:\n" + "".join(f"    c{n}: {{$remov: 1}}\n" for n in range(5000)),
    "keys set twice": HEAD + "  checks: {}\n" * 5000,
    "names of channels that do not exist": HEAD.replace("Policy", "EscalationPolicy")
        + "  steps:\n    a:\n      after: 0s\n      notify:\n" + "".join(f"        - n{n}\n" for n in range(5000)),
    "documents": "---\napiVersion: guru/v1\nkind: Polcy\nmetadata: {name: p}\n" * 5000,
}


@pytest.mark.parametrize("text", FULL_OF_FAULTS.values(), ids=FULL_OF_FAULTS.keys())
def test_of_a_file_full_of_faults_the_first_hundred_are_told_and_that_there_are_more(text: str) -> None:
    found = fleet({"org/p.yaml": text})

    faults = [fault for fault in found.faults if fault.origin.path == "org/p.yaml"]
    assert len(faults) == 101
    assert str(faults[0]) == "org/p.yaml: the file has more than 100 faults (mend the first ones to see the others)"
    assert found.faults == tuple(faults)
    assert max(fault.origin.line for fault in faults) < 500


def test_a_secret_is_told_however_many_faults_are_beside_it() -> None:
    text = HEAD + "  checks: {}\n" * 5000 + "  password: 'not-a-real-one'\n"

    assert any("plain text" in fault.message for fault in fleet({"org/p.yaml": text}).faults)


def test_nothing_is_suggested_for_a_word_that_nobody_could_have_meant() -> None:
    assert did_you_mean("c" * 1_000_000 + "pu", ["cpu", *map(str, range(20))]) == ""
