"""Runs of orders about files: until they are done, cancelled, or their time is over. It starts no process."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable

from guru_agent.jobs import file_changes, file_puts, file_sends
from guru_agent.jobs.files import Grounds, look_at
from guru_agent.jobs.tape import Heard
from guru_agent.logs import plain
from guru_policy.errors import GuruError
from guru_wire.files import FileChange, FileLook
from guru_wire.orders import Order
from guru_wire.running import Run


async def about_file(order: Order, grounds: Grounds, ask: file_puts.Ask, heard: Heard, cancel: asyncio.Event) -> Run:
    """Carry it out; how it went."""
    command = order.command
    if command.file is not None:
        return await _looked_at(order, command.file, grounds, heard, cancel)
    if command.send is not None:
        return await _ended(order, file_sends.send(command.send, order.job, grounds, ask, heard), cancel)
    assert command.change is not None  # noqa: S101 - whoever calls this has looked
    if command.change.transfer and command.change.op == "put":
        return await _put(order, command.change, grounds, ask, cancel)
    return await _changed(order, command.change, grounds)


async def _looked_at(order: Order, look: FileLook, grounds: Grounds, heard: Heard, cancel: asyncio.Event) -> Run:
    found = await _ended(order, look_at(look, grounds, heard), cancel)
    if found.state == "timed_out" and look.follow:
        reason = f"it was followed for {order.command.timeout} s"
        return Run(job=order.job, state="succeeded", exit_code=0, reason=reason)
    return found


async def _put(
    order: Order, change: FileChange, grounds: Grounds, ask: file_puts.Ask, cancel: asyncio.Event
) -> Run:
    """A file that is not put leaves nothing; only the agent's own end leaves what there is, to go on with."""
    found = await _ended(order, file_puts.put(change, order.job, grounds, ask), cancel)
    if found.state != "succeeded":
        await asyncio.to_thread(file_puts.drop, change, grounds)
    return found


async def _changed(order: Order, change: FileChange, grounds: Grounds) -> Run:
    try:
        content = base64.b64decode(order.command.stdin, validate=True)
        told = await asyncio.to_thread(file_changes.change, change, content, grounds)
    except (GuruError, ValueError) as error:
        return Run(job=order.job, state="failed", reason=plain(str(error), 500))
    return Run(job=order.job, state="succeeded", exit_code=0, reason=told)


async def _ended(order: Order, work: Awaitable[str], cancel: asyncio.Event) -> Run:
    """How the work went; it was ended when it is cancelled, or not done in time."""
    working, stop = asyncio.ensure_future(work), asyncio.ensure_future(cancel.wait())
    try:
        await asyncio.wait({working, stop}, timeout=order.command.timeout, return_when=asyncio.FIRST_COMPLETED)
        late, done = not stop.done(), working.done()
        if not done:
            working.cancel()
            await asyncio.wait({working})
        if not working.cancelled():     # it was done in the very moment
            return Run(job=order.job, state="succeeded", exit_code=0, reason=working.result())
        reason = f"not done after {order.command.timeout} s" if late else "it was ended while it ran"
        return Run(job=order.job, state="timed_out" if late else "cancelled", reason=reason)
    except GuruError as error:
        return Run(job=order.job, state="failed", reason=plain(error.message, 500))
    finally:
        for task in (working, stop):
            task.cancel()
        await asyncio.gather(working, stop, return_exceptions=True)
