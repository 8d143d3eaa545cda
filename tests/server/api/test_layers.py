"""What goes around every route: limits, ETags, links of pages, ageing routes, versions. No route is named in them."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from guru_server.api.late import late_router
from guru_server.api.pacing import Buckets, Pace
from guru_server.clock import SetClock
from guru_server.rights.ageing import deprecated
from guru_server.rights.declaring import needs
from guru_server.setting_parts import LimitSettings, PaceSettings
from guru_server.settings import ServerSettings
from guru_server.store.database import Database
from guru_server.tagging import matches
from guru_server.wiring import Ground, wire_api
from guru_wire.version import LANGUAGE, VERSION
from tests.conftest import sqlite_url
from tests.server.conftest import Api
from tests.server.door import admitted

TIGHT = LimitSettings(
    reads=PaceSettings(burst=3, rate=1), writes=PaceSettings(burst=1, rate=0.5),
    actors={"key:ci": {"reads": PaceSettings(burst=5, rate=1)}},
)


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """One database is enough: nothing of this is kept."""
    return sqlite_url(tmp_path / "guru.db")


def test_a_bucket_fills_up_again_and_never_over() -> None:
    buckets, pace, clock = Buckets(), Pace(2, 0.5), SetClock()
    first = [buckets.take("a", "reads", pace, clock()) for _ in range(3)]
    clock.forward(2_000)
    then = buckets.take("a", "reads", pace, clock())
    clock.forward(86_400_000)

    assert [one.taken for one in first] == [True, True, False]
    assert (first[2].wait, first[2].full) == (2, 4)
    assert (then.taken, then.left) == (True, 0)
    assert buckets.take("a", "reads", pace, clock()).left == 1


def test_a_clock_that_is_set_back_gives_and_takes_nothing() -> None:
    buckets, pace = Buckets(), Pace(1, 1.0)
    buckets.take("a", "reads", pace, 100_000)

    assert not buckets.take("a", "reads", pace, 50_000).taken


@pytest.fixture
async def tight(api: Api, tmp_path: object, server_keys: object) -> httpx.AsyncClient:
    """The same database behind small limits."""
    settings = ServerSettings(data=tmp_path, limits=TIGHT)      # type: ignore[arg-type]
    app, _ = wire_api(Ground(settings, api.db, api.bus, api.clock), server_keys, "https://guru.example")  # type: ignore[arg-type]
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="https://guru.example/api/v1", headers=api.http.headers,
    )


async def test_who_asks_too_often_is_told_when_to_come_back(api: Api, tight: httpx.AsyncClient) -> None:
    answers = [await tight.get("/whoami") for _ in range(4)]
    write = await tight.post("/keys", json={"name": "ci"})
    api.clock.forward(1_000)
    later = await tight.get("/whoami")

    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert answers[0].headers["ratelimit-policy"] == '"reads";q=3;w=3'
    assert answers[0].headers["ratelimit"] == '"reads";r=2;t=1'
    assert (answers[3].headers["retry-after"], answers[3].json()["title"]) == ("1", "TooMany")
    assert write.status_code == 201                 # another class has its own
    assert later.status_code == 200


async def test_a_limit_is_for_one_actor_and_some_have_their_own(api: Api, tight: httpx.AsyncClient) -> None:
    key = (await tight.post("/keys", json={"name": "ci"})).json()["key"]
    for _ in range(4):
        await tight.get("/whoami")
    ci = [await tight.get("/whoami", headers={"authorization": f"Bearer {key}"}) for _ in range(6)]

    assert [one.status_code for one in ci] == [200] * 5 + [429]


async def test_health_has_no_limit(tight: httpx.AsyncClient) -> None:
    answers = [await tight.get("/health") for _ in range(10)]

    assert {one.status_code for one in answers} == {200}
    assert "ratelimit" not in answers[0].headers


async def test_an_answer_that_is_known_is_not_sent_again(api: Api) -> None:
    await api.device("web1")
    first = await api.http.get("/devices")
    again = await api.http.get("/devices", headers={"If-None-Match": first.headers["etag"]})
    await api.device("web2")
    other = await api.http.get("/devices", headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert (other.status_code, other.json()["total"]) == (200, 2)


@pytest.mark.parametrize(
    ("header", "right"), [('"a"', True), ('"b", W/"a"', True), ("*", True), ('"b"', False), ("", False)]
)
def test_tags_are_compared_as_lists(header: str, right: bool) -> None:
    assert matches(header, '"a"') is right


async def test_a_page_links_to_the_next(api: Api) -> None:
    for number in range(3):
        await api.device(f"web{number}")
    first = await api.http.get("/devices", params={"limit": 2, "selector": "name=web*"})
    link = first.headers["link"]
    second = await api.http.get(f"https://guru.example{link[1 : link.index('>')]}")

    assert link.endswith('; rel="next"')
    assert [one["name"] for one in second.json()["items"]] == ["web2"]
    assert "link" not in second.headers


async def test_a_route_that_will_go_says_so(db: Database) -> None:
    router = late_router()

    @router.get("/old")
    @needs(None, of="oneself")
    @deprecated("2027-01-01", sunset="2028-06-01", instead="/api/v1/new")
    async def old() -> dict[str, bool]:
        return {"ok": True}

    async with admitted(db, router) as http:
        answer = await http.get("/old")

    assert answer.headers["deprecation"] == "@1798761600"
    assert answer.headers["sunset"] == "Thu, 01 Jun 2028 00:00:00 GMT"
    assert answer.headers["link"] == '</api/v1/new>; rel="successor-version"'


def test_no_route_goes_sooner_than_promised() -> None:
    with pytest.raises(ValueError, match="365 days"):
        deprecated("2027-01-01", sunset="2027-06-01", instead="/api/v1/new")


async def test_every_answer_tells_the_servers_version(api: Api) -> None:
    answer = await api.http.get("/health")

    assert (answer.headers["guru-version"], answer.headers["guru-language"]) == (VERSION, str(LANGUAGE))
