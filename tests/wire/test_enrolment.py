"""Enrolment tokens: one word that survives a shell, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guru_policy.errors import InputInvalid
from guru_wire.enrolment import EnrolmentToken, read_token, write_token

TEXT = st.text(min_size=1, max_size=80)


@given(st.builds(EnrolmentToken, url=TEXT, ca=TEXT, root=TEXT, id=TEXT, secret=TEXT))
def test_a_token_reads_back_as_it_was_written(token: EnrolmentToken) -> None:
    text = write_token(token)

    assert read_token(f"  {text}\n") == token
    assert text.isascii()
    assert not set(text) & set(" '\"$`\\*?&|;<>()\n")


@pytest.mark.parametrize("text", ["", "guru1.", "guru1.!!!", "guru1.e30", "hunter2", "guru1." + "A" * 5000])
def test_anything_else_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(InputInvalid) as caught:
        read_token(text)

    assert "guru enroll token create" in caught.value.hint


@given(st.text(max_size=200))
def test_noise_is_never_a_token(noise: str) -> None:
    with pytest.raises(InputInvalid):
        read_token("guru1." + noise)
