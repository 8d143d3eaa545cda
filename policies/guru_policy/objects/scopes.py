"""Where an object of the fleet repository belongs, read off its folder. It looks at names only."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from guru_policy.quantities import LABEL_PATTERN

Level = Literal["root", "org", "customer", "site", "groups", "group", "device"]

FOLDERS = ("org", "customers", "groups", "devices")
_NAME = re.compile(LABEL_PATTERN.replace("$", r"\Z"))


class Scope(NamedTuple):
    """A place in the hierarchy. `groups` is where DeviceGroups stand, `group` what belongs to one."""

    level: Level
    customer: str = ""
    site: str = ""
    group: str = ""

    def __str__(self) -> str:
        """The folder."""
        match self.level:
            case "root":
                return "/"
            case "org" | "groups":
                return self.level
            case "customer":
                return f"customers/{self.customer}"
            case "site":
                return f"customers/{self.customer}/sites/{self.site}"
            case "group":
                return f"groups/{self.group}"
            case "device":
                return f"devices/{self.customer}/{self.site}"

    def parent(self) -> Scope | None:
        """One step up the chain: what a reference may look in next."""
        match self.level:
            case "root" | "org":
                return None
            case "customer" | "groups" | "group":
                return ORG
            case "site":
                return Scope("customer", self.customer)
            case "device":
                return Scope("site", self.customer, self.site)


ROOT = Scope("root")
ORG = Scope("org")
GROUPS = Scope("groups")


class Misplaced(ValueError):
    """The folder is no scope; the message says why."""


def is_name(text: str) -> bool:
    """Whether the text is a DNS label (RFC 1123), which every name is."""
    return _NAME.match(text) is not None


def is_known_folder(path: str) -> bool:
    """Whether the path lies in (or is) a folder that holds objects."""
    return path.split("/", 1)[0] in FOLDERS


def scope_of(path: str) -> Scope | None:
    """The scope of the files in the path's folder; None outside the known folders.

    Raises Misplaced when the folder is a known one and yet no scope.
    """
    parts = path.split("/")
    folders = parts[:-1]
    if not folders:
        return ROOT
    for name in folders[1:3] if folders[0] == "devices" else folders[1:2]:
        if folders[0] in FOLDERS[1:] and not is_name(name):
            raise Misplaced(f"the folder {name!a} is not a name")
    match folders:
        case ["org", *_]:
            return ORG
        case ["groups"]:
            return GROUPS
        case ["groups", group, *_]:
            return Scope("group", group=group)
        case ["customers", customer, "sites", site, *_]:
            if not is_name(site):
                raise Misplaced(f"the folder {site!a} is not a name")
            return Scope("site", customer, site)
        case ["customers", _, "sites"]:
            raise Misplaced("files of a site stand in a folder of its own below sites/")
        case ["customers", customer, *_]:
            return Scope("customer", customer)
        case ["devices", customer, site, *_]:
            return Scope("device", customer, site)
        case ["customers"]:
            raise Misplaced("files of a customer stand in a folder of its own below customers/")
        case ["devices", *_]:
            raise Misplaced("files of devices stand in devices/<customer>/<site>/")
    return None


def owner_of(path: str) -> str | None:
    """The customer whom a fault at this path belongs to; None for the organisation."""
    parts = path.split("/", 2)
    if len(parts) == 3 and parts[0] in ("customers", "devices") and is_name(parts[1]):
        return parts[1]
    return None
