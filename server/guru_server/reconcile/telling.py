"""What the audit log is told of a commit that was tried: whose it is, who vouched for it, what became of it. Pure."""

from __future__ import annotations

from guru_server.gitops.mirror import Commit
from guru_server.reconcile.deciding import Decision, count
from guru_server.reconcile.store import Note

ACTIONS = {"published": "RevisionPublished", "partly-held": "RevisionPartlyHeld", "refused": "RevisionRefused"}


def told(commit: Commit, decision: Decision, reason: str, changed: int) -> Note:
    """The row for a sync. An author is what the commit says of itself; only a signer is proven."""
    signer = decision.signature.signer if decision.signature.checked == "verified" else ""
    signature = f"signed by {signer}" if signer else f"signature {decision.signature.checked}"
    said = [f"author {commit.author}", signature, *([count(changed, "device") + " changed"] if changed else ()), reason]
    return Note(
        f"signer:{signer}" if signer else f"author:{commit.author}", ACTIONS[decision.outcome],
        f"revision:{commit.revision}", "; ".join(part for part in said if part), revision=commit.revision,
    )
