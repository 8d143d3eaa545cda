"""Selectors: what they match, what they refuse, and that the quick way answers as the plain one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guru_policy.conditions import Subject
from guru_policy.errors import InputInvalid
from guru_policy.inventory import Place, Scalar
from guru_policy.matching import Matcher
from guru_policy.selector import parse

LABELS: dict[str, Scalar] = {
    "git/ring": "canary", "op/role": "server", "fact/role": "client", "fact/ram_gb": 16, "fact/uefi": True,
    "fact/os_name": "Debian GNU/Linux 12",
}


@pytest.mark.parametrize(("text", "matches"), [
    ("", True),
    ("ring=canary", True), ("ring==canary", True), ("ring!=canary", False), ("git/ring=canary", True),
    ("op/ring=canary", False), ("ring in (early, canary)", True), ("ring notin (early,canary)", False),
    ("ring", True), ("!ring", False), ("missing", False), ("!missing", True),
    ("missing!=x", True), ("missing notin (x)", True), ("missing=x", False),
    ("role=server", True), ("role=client", False), ("fact/role=client", True),
    ("ram_gb>=16", True), ("ram_gb>16", False), ("fact/ram_gb<=16.0", True), ("ram_gb=16", True),
    ("ring>=1", False), ("missing<5", False), ("uefi=true", True), ("uefi>=1", False),
    ("name=web*", True), ("name=web-?", True), ("name='web*'", False), ("name=WEB-1", False),
    ("os_name='Debian GNU/Linux 12'", True), ("os_name=Debian*", True),
    ("@acme", True), ("@acme/hq", True), ("@acme/lab", False), ("@a*/h*", True), ("customer=acme,site=hq", True),
    ("group=servers", True), ("group!=servers", False), ("!group", False), ("id=abc", True),
    ("ring=canary, role=server, !retired", True), ("ring=canary,retired", False),
])
def test_a_selector_matches_by_labels_place_and_name(text: str, matches: bool) -> None:
    found = parse(text).matches(LABELS, Place("acme", "hq"), "web-1", id="abc", groups=frozenset({"servers"}))

    assert found is matches


@pytest.mark.parametrize(("text", "message", "hint"), [
    ("a=", "selector `a=`, column 3: expected a value, found the end", 'quote an empty one: ""'),
    ("=b", "selector `=b`, column 1: expected a label's key, found `=`", "such as ring=canary"),
    ("a b", "selector `a b`, column 3: expected `,` between two conditions, found `b`", ""),
    ("a in b", "selector `a in b`, column 6: expected `(` and a list of values, found `b`", ""),
    ("a in (b", "selector `a in (b`, column 8: expected `,` or `)`, found the end", ""),
    ("foo/a=b", "selector `foo/a=b`, column 1: `foo` is no namespace of labels", "one of git, op, fact"),
    ("a>=x", "selector `a>=x`, column 4: expected a number to compare with", "such as fact/ram_gb>=16"),
    ("a>=nan", "selector `a>=nan`, column 4: expected a number to compare with", "such as fact/ram_gb>=16"),
    ("a='b", "selector `a='b`, column 3: a quote is never closed", "close it, or leave it out"),
    ("@a/b/c", "selector `@a/b/c`, column 2: expected a customer, or customer/site, after `@`", ""),
    ("a,", "selector `a,`, column 3: expected a label's key, found the end", "such as ring=canary"),
])
def test_a_wrong_selector_tells_the_column(text: str, message: str, hint: str) -> None:
    with pytest.raises(InputInvalid) as caught:
        parse(text)

    assert (caught.value.message, caught.value.hint) == (message, hint)


@pytest.mark.parametrize(("text", "uses"), [
    ("fact/os=linux", True), ("!fact/os", True), ("os=linux", True), ("git/ring=a,op/role=b", False),
    ("name=a,@b/c,id=d,group=e", False), ("", False),
])
def test_a_selector_tells_whether_the_agents_own_word_can_decide(text: str, uses: bool) -> None:
    assert parse(text).uses_facts is uses


TERMS = st.sampled_from([
    "a=1", "a!=1", "a in (1,true)", "!a", "b>=2", "b<2", "fact/a", "name=pc*", "id=1", "@acme", "group=g", "b=2.5",
])
SELECTORS = st.lists(TERMS, max_size=3).map(",".join)
VALUES: st.SearchStrategy[Scalar] = st.sampled_from([1, True, 2.5, "1", "true", "2", 1.0])
KEYS = st.sampled_from(["git/a", "op/a", "fact/a", "fact/b", "op/b"])
SUBJECTS = st.builds(
    Subject, st.dictionaries(KEYS, VALUES), st.just(Place("acme", "hq")), st.sampled_from(["pc1", "web"]),
    st.sampled_from(["1", "2"]), st.sampled_from([frozenset(), frozenset({"g"})]),
)


@given(st.lists(SELECTORS, max_size=6), st.lists(SUBJECTS, max_size=8))
def test_many_selectors_at_once_answer_as_each_alone(texts: list[str], subjects: list[Subject]) -> None:
    selectors = [parse(text) for text in texts]
    matcher = Matcher(selectors)

    for subject in subjects:
        assert matcher.matching(subject) == tuple(i for i, s in enumerate(selectors) if s.accepts(subject))


@given(st.text(max_size=40))
def test_any_text_is_a_selector_or_a_sentence_about_it(text: str) -> None:
    message = ""
    try:
        parse(text)
    except InputInvalid as fault:
        message = fault.message

    assert message.isprintable()
