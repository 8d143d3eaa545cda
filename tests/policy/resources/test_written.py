"""Pages of resource kinds as people copy them: into a policy, loaded, and compiled for a device that has the kind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from guru_policy.compiling import Effective, Sources, compile_customer
from guru_policy.resources import RESOURCES
from guru_policy.secret import named_secrets
from tests.policy.writing import device, fleet, policy, secret

PAGES = Path(__file__).parents[3] / "docs" / "kinds"


@pytest.mark.parametrize("kind", sorted(RESOURCES))
def test_the_example_of_a_page_is_a_policy_without_faults(kind: str) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", (PAGES / f"{kind}.md").read_text(), re.DOTALL)
    resource = RESOURCES[kind].model_validate(next(iter(yaml.safe_load(example).values())))
    # Whatever the example names must be there: an empty file for each source, a folder for each trigger.
    others = {name: {"kind": "command", "shell": "true", "unless": "true"} for name in resource.triggers()}
    text = example + "".join(f"{yaml.safe_dump({name: other})}" for name, other in others.items())
    indented = "resources:\n" + "".join(f"  {line}\n" for line in text.strip("\n").split("\n"))
    secrets = named_secrets(yaml.safe_load(example))
    found = fleet({
        "org/base.yaml": policy("base", indented), **dict.fromkeys(resource.sources(), b"x"),
        **{path: text for name in secrets for path, text in secret(name, "org").items()},
    })
    platform = sorted(resource.served())[0]
    digests = dict.fromkeys(resource.sources(), "a" * 64)

    result = compile_customer(Sources(found, found), "acme", [device(os=platform)], digests)

    assert found.faults == ()
    assert isinstance(result.assigned[device().id], Effective), result.assigned
