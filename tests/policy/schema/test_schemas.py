"""The JSON Schemas take every document that we show people, and not what is plainly wrong."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from guru_policy.checks import CHECKS
from guru_policy.kinds import KINDS
from guru_policy.resources import RESOURCES
from guru_policy.schema.generating import schemas
from guru_policy.text.nodes import plain
from guru_policy.text.reading import read_yaml
from tests.policy.kinds.test_strictness import BAD
from tests.policy.writing import written

ROOT = Path(__file__).parents[3]
FOLDERS = ("examples", "policies/library", "gurucli/gurucli/starter")
FILES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.yaml"))]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
SCHEMAS = schemas()


@cache
def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(SCHEMAS[name])


def documents(text: str) -> list[Any]:
    """The documents of a YAML text, read as the language reads them."""
    return [plain(node) for node in read_yaml("x.yaml", text.encode()).documents]


def wrong(document: Any) -> list[str]:
    """What the combined schema and the kind's own one say against a document."""
    names = ["guru", *([document["kind"]] if isinstance(document, dict) and document.get("kind") in KINDS else [])]
    return [error.message for name in names for error in validator(name).iter_errors(document)]


def shown(page: Path) -> list[Any]:
    """The documents of a page; a check or a resource by its id stands in a policy."""
    found = []
    for document in (one for text in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)
                     for one in documents(text)):
        if isinstance(document, dict) and "apiVersion" in document:
            found.append(document)
        elif page.stem in CHECKS or page.stem in RESOURCES:
            section = "checks" if page.stem in CHECKS else "resources"
            found.append({"apiVersion": "guru/v1", "kind": "Policy", "metadata": {"name": "a"},
                          "spec": {section: document}})
    return found


def test_there_is_a_schema_for_every_kind_and_each_is_one_of_draft_2020_12() -> None:
    assert set(SCHEMAS) == {*KINDS, "guru"}
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_file_that_we_ship_is_valid(path: Path) -> None:
    found = documents(path.read_text().replace("CUSTOMER", "acme").replace("SITE", "hq"))

    assert found
    assert [wrong(document) for document in found] == [[]] * len(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_example_of_the_docs_is_valid(page: Path) -> None:
    found = shown(page)

    assert found or page.parent.name != "kinds"
    assert [wrong(document) for document in found] == [[]] * len(found)


LAYERS = [
    ("Policy", "checks: {disk: {warning: 70%}, cpu: {$remove: true}}"),
    ("Policy", "checks: {$replace: true, cpu: {kind: cpu}}\nresources: {}"),
    ("Policy", "checks: {disk: {kind: disk_space, warning: {$remove: true}}}\nagent: {heartbeat: {$remove: true}}"),
    ("ActionSet", "actions: {a: {label: New}, b: {$remove: true}}\ncategories: {$replace: true, c: {label: C}}"),
    ("Branding", "support: {phone: {$remove: true}}\nicon: {$remove: true}"),
    ("Branding", "$replace: true\ndisplayName: Acme"),
]


@pytest.mark.parametrize(("kind", "spec"), LAYERS)
def test_what_one_layer_may_say_is_valid(kind: str, spec: str) -> None:
    (document,) = documents(written(kind, "a", spec))

    assert wrong(document) == []


WRONG: dict[str, str] = {
    "no kind": "apiVersion: guru/v1\nmetadata: {name: a}\n",
    "unknown kind": written("Polcy", "a", "{}"),
    "other version": written("Policy", "a", "{}").replace("guru/v1", "guru/v2"),
    "name that is no label": written("Policy", "'Big One'", "{}"),
    "no spec where one is needed": "apiVersion: guru/v1\nkind: Schedule\nmetadata: {name: a}\n",
    "unknown word around the object": written("Policy", "a", "{}") + "status: {}\n",
    "unknown field": written("Policy", "a", "chekcs: {}"),
    "unknown kind of check": written("Policy", "a", "checks: {a: {kind: disc_space}}"),
    "field of another kind of check": written("Policy", "a", "checks: {a: {kind: cpu, url: 'http://a.example/'}}"),
    "field of no kind of check": written("Policy", "a", "checks: {a: {warnng: 5%}}"),
    "id that is no label": written("Policy", "a", "checks: {A_b: {kind: cpu}}"),
    "percent above all": written("Policy", "a", "checks: {a: {kind: cpu, warning: 500}}"),
    "no percent": written("Policy", "a", "checks: {a: {kind: cpu, warning: 5 percent}}"),
    "no duration": written("Policy", "a", "checks: {a: {kind: cpu, every: 5 minutes}}"),
    "a mode that is a number": written("Policy", "a", "resources: {a: {kind: file, path: /a, mode: 644}}"),
    "remove with company": written("Policy", "a", "checks: {a: {$remove: true, kind: cpu}}"),
    "remove that is not true": written("Policy", "a", "checks: {a: {$remove: false}}"),
    "unknown type of action": written("ActionSet", "a", "actions: {a: {type: RunComand, label: A}}"),
    "field of another type of action": written("ActionSet", "a", "actions: {a: {type: About, label: A, url: x}}"),
    "colour by name": written("Branding", "a", "colors: {accent: green}"),
    "channel of no type": written("NotificationChannel", "a", "url: https://a.example/"),
    "channel of a mixed type": written("NotificationChannel", "a", "type: email\nurl: https://a.example/"),
    "severity that does not exist": written("AlertRule", "a", "check: a\nseverity: bad"),
    "platform that does not exist": written("AgentRelease", "a", "version: 1.0.0\nplatforms: {amiga: {}}"),
    "version that is none": written("AgentRelease", "a", "version: new\nplatforms: {}"),
    "recipient that is none": written("Secret", "a", "file: org/a.age\nrecipients: {a: ssh-rsa}"),
    "subject of no sort": written("Binding", "a", "subjects: [ada]\nrole: r\nscope: org"),
    "rule without verbs": written("Role", "a", "rules: {a: {effect: allow}}"),
}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG.keys())
def test_what_is_plainly_wrong_is_not_valid(text: str) -> None:
    (document,) = documents(text)

    assert wrong(document) != []


def test_an_editor_sees_a_good_part_of_what_the_language_refuses() -> None:
    refused = {name for name, (kind, spec, _) in BAD.items() if wrong(documents(written(kind, "a", spec))[0])}

    assert {"an action of no type", "a build over plain http", "no subject", "an unknown field"} <= refused
