"""Brings the same file of many devices into a folder, a folder for each, some at once. It changes nothing there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import NamedTuple

from guru_policy.errors import Conflict, GuruError, InputInvalid, NotFound, PartlyDone, Refused
from gurucli.answers import DeviceRow
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.file_advice import advised
from gurucli.file_copying import brought
from gurucli.file_parts import Copied
from gurucli.human import plural
from gurucli.progress import Progress

AT_ONCE = 4


class Brought(NamedTuple):
    """How it went with one device: a file that is here, or why it is not."""

    device: str
    file: Path
    copied: Copied | None
    error: GuruError | None


def gather(cli: Cli, selector: str, path: str, folder: Path, *, replace: bool, most: int) -> list[Brought]:
    """Copy to `folder`/DEVICE/NAME from all devices that match. Refused when they are more than `most`, if that is set.

    One that fails holds up no other.
    """
    devices = list(cli.server.devices(selector))
    _fit(selector, devices, most)
    name = path.rsplit("/", 1)[-1]
    targets = [folder / _folder_name(device["name"]) / name for device in devices]
    halted, progress = Event(), Progress(cli.out, moving=True) if cli.out.side.glyphs else None
    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = [
            pool.submit(_one, cli, device, path, target, _until(halted), replace=replace)
            for device, target in zip(devices, targets, strict=True)]
        try:
            done = [_told(waiting, number, progress) for number in range(len(waiting))]
        except KeyboardInterrupt:
            halted.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    if progress is not None:
        progress.done()
    return done


def verdict(done: Sequence[Brought]) -> GuruError | None:
    """What is wrong with how it went; None when all files are here."""
    failed = [one for one in done if one.error is not None]
    if not failed:
        return None
    told = f"{len(done) - len(failed):,} of {plural(len(done), 'file')} are here"
    hint = "the same command goes on with what is missing; --replace replaces what is here"
    if len(failed) < len(done):
        return PartlyDone(told, hint=hint)
    first = failed[0].error
    return first if len(done) == 1 and first is not None else GuruError(told, hint=hint)


def _fit(selector: str, devices: Sequence[DeviceRow], most: int) -> None:
    if not devices:
        raise NotFound(f"no device matches {selector}", hint="`guru device list -l ...` tries a selector out")
    if most and len(devices) > most:
        raise Refused(f"that would copy from {plural(len(devices), 'device')}, and --max-devices allows {most}",
                      hint="narrow the selector down, or raise --max-devices")
    twice = [name for name, count in Counter(one["name"].casefold() for one in devices).items() if count > 1]
    if twice:
        raise Conflict(f"several devices have the name {clean(twice[0])}",
                       hint="copy from one customer at a time: -l 'customer=acme'")


def _folder_name(name: str) -> str:
    """The device's name as that of a folder. InputInvalid for one that would lead elsewhere."""
    if not name or name.startswith(".") or name != clean(name) or any(sign in '/\\:*?"<>|' for sign in name):
        raise InputInvalid(f"{clean(name)!r} is a device's name, and cannot be a folder's",
                           hint="leave it out: -l 'name!=...'")
    return name


def _until(halted: Event) -> Callable[[int, int | None], None]:
    def show(at: int, whole: int | None) -> None:
        if halted.is_set():
            raise KeyboardInterrupt     # as in the thread that was told so

    return show


def _one(
    cli: Cli, device: DeviceRow, path: str, target: Path, show: Callable[[int, int | None], None], *, replace: bool
) -> Brought:
    """Over a connection of its own."""
    server = cli.client(cli.context)
    try:
        show(0, None)
        _ready(target, replace=replace)
        with advised():
            copied = brought(server, device["id"], path, target, show, replace=replace)
    except GuruError as error:
        return Brought(device["name"], target, None, error)
    except OSError as cause:
        return Brought(device["name"], target, None, InputInvalid(f"{target}: {cause.strerror}"))
    else:
        return Brought(device["name"], target, copied, None)
    finally:
        server.close()


def _ready(target: Path, *, replace: bool) -> None:
    """Have its folder, which is no link to elsewhere."""
    if target.parent.is_symlink():
        raise Conflict(f"{target.parent} is a link", hint="copy into another folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir() or (not replace and (target.exists() or target.is_symlink())):
        raise Conflict(f"{target} is there already", hint="--replace replaces a file")


def _told(waiting: Sequence[Future[Brought]], number: int, progress: Progress | None) -> Brought:
    done = waiting[number].result()
    if progress is not None:
        over = sum(one.done() for one in waiting)
        progress.show(over / len(waiting), f"{over:,} of {plural(len(waiting), 'device')} are through")
    return done
