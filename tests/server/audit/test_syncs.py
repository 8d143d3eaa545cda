"""What the log is told of commits: in force or refused, by whom, and why."""

from __future__ import annotations

import pytest

from guru_server.gitops.mirror import Commit
from guru_server.gitops.verifying import UNCHECKED, Verdict
from guru_server.reconcile.deciding import Decision
from guru_server.reconcile.telling import told

COMMIT = Commit("a" * 40, None, "Robin Ito", "Change")


@pytest.mark.parametrize(("decision", "reason", "changed", "row"), [
    (Decision("published", signature=Verdict("verified", "SHA256:k")), "", 2,
     ("signer:SHA256:k", "RevisionPublished", "author Robin Ito; signed by SHA256:k; 2 devices changed")),
    (Decision("partly-held", signature=UNCHECKED), "held: acme", 0,
     ("author:Robin Ito", "RevisionPartlyHeld", "author Robin Ito; signature unchecked; held: acme")),
    (Decision("refused", signature=Verdict("refused", "", "not signed")), "not signed", 0,
     ("author:Robin Ito", "RevisionRefused", "author Robin Ito; signature refused; not signed")),
])
def test_what_became_of_a_commit_is_told_with_its_author_signer_and_reason(
    decision: Decision, reason: str, changed: int, row: tuple[str, str, str]
) -> None:
    note = told(COMMIT, decision, reason, changed)

    assert (note.actor, note.action, note.result) == row
    assert (note.about, note.revision) == (f"revision:{'a' * 40}", "a" * 40)
