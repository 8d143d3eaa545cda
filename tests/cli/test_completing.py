"""What TAB offers where no server need be known."""

from __future__ import annotations

import pytest

from gurucli.completing import candidates


@pytest.mark.parametrize(("done", "current", "words"), [
    (["run", "web01", "--shell"], "p", ["powershell", "python"]),
    (["run", "web01", "--"], "", []), (["override", "set", "web01"], "", []), (["device", "label", "web01"], "", []),
    (["job"], "re", ["rerun"]), (["device", "list", "--color"], "a", ["auto", "always"]),
])
def test_tab_offers_what_may_stand_there(done: list[str], current: str, words: list[str]) -> None:
    found = candidates(done, current)

    assert found is not None
    assert [word for word, _ in found] == words


def test_tab_leaves_files_to_the_shell() -> None:
    assert candidates(["run", "web01", "--file"], "") is None
