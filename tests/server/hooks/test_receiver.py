"""The receiver of docs/webhooks.md takes what the server and `guru listen` send, and nothing that was altered."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from guru_policy.event_types import TYPES
from guru_policy.kinds.role import VERBS
from gurucli.answers_events import Event
from gurucli.forwarding import Forward, read, written
from tests.server.hooks.conftest import ACME, SECRET, Desk, webhook
from tools.lab.inbox import Inbox

DOCS = Path(__file__).parents[3] / "docs"
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def receiver() -> Any:
    """The function of the page."""
    (code,) = CODE.findall((DOCS / "webhooks.md").read_text())
    names: dict[str, Any] = {}
    exec(compile(code, "webhooks.md", "exec"), names)
    return names["verified"]


async def test_the_receiver_of_the_docs_verifies_what_the_server_sends(desk: Desk, inbox: Inbox) -> None:
    await desk.push(psa=webhook("psa", inbox.url))
    await desk.happens("device.online", ACME, "one")
    await desk.round()
    verified, secret = receiver(), SECRET.get_secret_value()
    headers, body, now = inbox.letters[0].headers, inbox.raw[0], desk.office.world.clock() / 1000

    assert verified(secret, headers, body, now)
    assert not verified(secret, headers, body + b" ", now)
    assert not verified(secret, headers | {"webhook-id": "x"}, body, now)
    assert not verified(written(b"y" * 24), headers, body, now)
    assert not verified(secret, headers, body, now + 400)


def test_the_receiver_of_the_docs_verifies_what_listening_posts(inbox: Inbox) -> None:
    event = Event(specversion="1.0", id="e1", source="/", type="t", subject="s", time="t", datacontenttype="j",
                  sequence="1", customer=None, site=None, device=None, data={"x": "ü"})
    answered = Forward(inbox.url, read(written(b"z" * 24))).post(event)

    assert (answered.status, answered.error) == (204, "")
    assert receiver()(written(b"z" * 24), inbox.letters[0].headers, inbox.raw[0], time.time())


def test_the_page_lists_every_type_and_each_is_seen_by_a_verb_that_there_is() -> None:
    page = (DOCS / "events.md").read_text()

    assert [name for name, kind in TYPES.items() if f"| `{name}` | {kind.told} |" not in page] == []
    assert {kind.verb for kind in TYPES.values()} <= set(VERBS)
