"""A server's address: the path in it, a tenant's door, stands before every path that the agent asks for."""

from __future__ import annotations

import pytest

from guru_agent.link.carrier import base_of
from guru_policy.errors import InputInvalid


@pytest.mark.parametrize(("url", "base"), [
    ("https://guru.example", ""), ("https://guru.example:8443/", ""), ("https://guru.example:8443/t/rival", "/t/rival"),
    ("https://guru.example/t/rival/", "/t/rival"),
])
def test_the_path_is_taken_as_it_stands(url: str, base: str) -> None:
    assert base_of(url) == base


@pytest.mark.parametrize("path", [
    "/t/a b", "/t/%0d%0ax", "/t//x", "/t/ä", "/a/b/c/d/e", "/t/" + "x" * 65, "/t/..;/x", "/t/../x", "/t/..",
])
def test_a_path_that_could_be_read_otherwise_is_refused(path: str) -> None:
    with pytest.raises(InputInvalid, match="not a server address"):
        base_of(f"https://guru.example{path}")
