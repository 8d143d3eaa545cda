"""Devices to compile for: from a file, or from a server's lists of devices and overrides. It compiles nothing."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from guru_policy.errors import GuruError, InputInvalid, NotFound
from guru_policy.inventory import Device, Override, Place, Scalar
from guru_policy.objects.scopes import is_name
from guru_policy.text.nodes import plain
from guru_policy.text.reading import read_yaml
from gurucli.answers import DeviceRow, Json
from gurucli.answers_planning import OverrideRow
from gurucli.client import Client

MAX_BYTES = 64 << 20


def from_server(server: Client) -> list[Device]:
    """Every device of a server, with its overrides."""
    rows = [cast("OverrideRow", row) for page in server.pages("/overrides") for row in page["items"]]
    return from_rows(server.devices(), rows)


def from_rows(rows: Iterable[DeviceRow], overrides: Iterable[OverrideRow] = ()) -> list[Device]:
    """The devices of `guru device list`, with those of the overrides that are theirs."""
    found: defaultdict[str, list[Override]] = defaultdict(list)
    for one in sorted(overrides, key=lambda one: one["path"]):
        found[one["device"]].append(Override(
            one["id"], one["path"], one["value"], one["actor"], one["reason"], one["expires_at"]))
    devices = [_device(cast("Mapping[str, Json]", row), f"row {number}") for number, row in enumerate(rows, 1)]
    return [replace(one, overrides=tuple(found[one.id])) if one.id in found else one for one in devices]


def from_file(path: Path) -> list[Device]:
    """The devices of a file: what `guru device list -o json` prints, or the same by hand, in YAML too.

        items:
          - {name: web1, customer: acme, site: hq, labels: {fact/os: linux, op/role: web}}

    InputInvalid for anything else, and for two devices of one name in one site.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as cause:
        raise GuruError(f"{path} cannot be read: {cause.strerror}") from cause
    if len(data) > MAX_BYTES:
        raise InputInvalid(f"{path} has more than {MAX_BYTES >> 20} MiB")
    items = _items(path, data)
    found: dict[tuple[Place, str], Device] = {}
    for number, item in enumerate(items, 1):
        where = f"{path}, item {number}"
        if not isinstance(item, dict):
            raise InputInvalid(f"{where} is no device", hint="each item is a map with name, customer, site and labels")
        device = _device(item, where)
        if found.setdefault((device.place, device.name.lower()), device) is not device:
            raise InputInvalid(f"{where}: {device.name} is there twice at {'/'.join(device.place)}")
    return list(found.values())


def named(devices: Iterable[Device], ref: str) -> Device:
    """The device that a name, customer/site/name or an id means; NotFound, or InputInvalid for several."""
    found = [one for one in devices if ref in (one.id, one.name, "/".join((*one.place, one.name)))]
    if not found:
        raise NotFound(f"no device is called {ref}", hint="the inventory lists every device")
    if len(found) > 1:
        raise InputInvalid(f"several devices are called {ref}", hint="write customer/site/name")
    return found[0]


def _items(path: Path, data: bytes) -> list[Json]:
    document: Json
    if data.lstrip()[:1] in (b"{", b"["):
        try:
            document = json.loads(data)
        except (ValueError, RecursionError) as cause:
            raise InputInvalid(f"{path} is not JSON: {cause}") from cause
    else:
        reading = read_yaml(str(path), data)
        if reading.faults or len(reading.documents) != 1:
            said = str(reading.faults[0]) if reading.faults else f"{path} holds no document, or several"
            raise InputInvalid(said)
        document = plain(reading.documents[0])
    items = document.get("items") if isinstance(document, dict) else document
    if not isinstance(items, list):
        raise InputInvalid(f"{path} is no inventory: it has no `items`", hint="guru device list -o json writes one")
    return items


def _device(row: Mapping[str, Json], where: str) -> Device:
    name, customer, site = (row.get(key) for key in ("name", "customer", "site"))
    if not (isinstance(name, str) and name and isinstance(customer, str) and isinstance(site, str)):
        raise InputInvalid(f"{where} lacks name, customer or site")
    if not is_name(customer) or not is_name(site):
        raise InputInvalid(f"{where}: {customer}/{site} is no place")
    labels = row.get("labels") or {}
    if not isinstance(labels, dict) or not all(isinstance(one, str | int | float) for one in labels.values()):
        raise InputInvalid(f"{where}: labels is a map of simple values")
    known = {key: cast("Scalar", value) for key, value in labels.items()}
    made_up = hashlib.sha256(f"{customer}/{site}/{name}".encode()).hexdigest()[:32]
    ident = row.get("id")
    return Device(
        id=ident if isinstance(ident, str) and ident else made_up,
        name=name, place=Place(customer, site),
        facts={key[5:]: value for key, value in known.items() if key.startswith("fact/")},
        op_labels={key[3:]: str(value) for key, value in known.items() if key.startswith("op/")},
    )
