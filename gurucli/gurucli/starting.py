"""The files of a new fleet repository, by path, for a first customer and site. It writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable

from guru_policy.errors import UsageWrong
from guru_policy.objects.scopes import is_name

FORGES = {
    "github": ".github/workflows/fleet.yml",
    "gitlab": ".gitlab-ci.yml",
    "gitea": ".gitea/workflows/fleet.yml",
}
HOOK = ".githooks/pre-commit"


def starting_files(customer: str, site: str, forges: Sequence[str], hook: bool) -> dict[str, str]:
    """Text by path. UsageWrong for a name that no folder may have, and for an unknown forge."""
    for name in (customer, site):
        if not is_name(name):
            raise UsageWrong(f"{name!r} is not a name", hint="lower-case letters, digits and hyphens, such as acme")
    for forge in forges:
        if forge not in FORGES:
            raise UsageWrong(f"there is no pipeline for {forge!r}", hint=f"there are {', '.join(FORGES)}")
    root = files("gurucli") / "starter"
    found = {
        path.replace("CUSTOMER", customer).replace("SITE", site):
            text.replace("CUSTOMER", customer).replace("SITE", site)
        for path, text in _below(root / "fleet", "")
    }
    for forge in forges:
        found[FORGES[forge]] = (root / "pipelines" / f"{forge}.yml").read_text("utf-8")
    if hook:
        found[HOOK] = (root / "hooks" / "pre-commit").read_text("utf-8")
    return dict(sorted(found.items()))


def _below(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for item in folder.iterdir():
        path = f"{prefix}{item.name}"
        if item.is_dir():
            yield from _below(item, f"{path}/")
        else:
            yield path, item.read_text("utf-8")
