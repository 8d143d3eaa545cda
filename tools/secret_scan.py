"""Looks for secrets in every line of the history and of the tree, with the tools of `make audit`. It prints none.

By patterns of real credentials alone: guesses by entropy or variable names would mostly find digests and fixtures.
What is known to be harmless stands by SHA-256 in tools/harmless.txt, each with its reason.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from detect_secrets.core.scan import scan_line
from detect_secrets.settings import transient_settings

ROOT = Path(__file__).resolve().parents[1]
HARMLESS = ROOT / "tools" / "harmless.txt"
LONGEST = 4096                          # characters of a line that are looked at
DETECTORS = (
    "AWSKeyDetector", "AzureStorageKeyDetector", "BasicAuthDetector", "CloudantDetector", "DiscordBotTokenDetector",
    "GitHubTokenDetector", "GitLabTokenDetector", "IbmCloudIamDetector", "JwtTokenDetector", "MailchimpDetector",
    "NpmDetector", "OpenAIDetector", "PrivateKeyDetector", "PypiTokenDetector", "SendGridDetector", "SlackDetector",
    "SquareOAuthDetector", "StripeDetector", "TelegramBotTokenDetector", "TwilioKeyDetector",
)
HISTORY = ("git", "log", "HEAD", "--full-history", "-m", "-p", "-U0", "--no-color", "--no-ext-diff", "--no-textconv",
           "--no-renames", "--format=commit %H")
WAITING = ("git", "diff", "HEAD", "-p", "-U0", "--no-color", "--no-ext-diff", "--no-textconv", "--no-renames")


class Line(NamedTuple):
    """A line that was added, and where."""

    commit: str
    path: str
    text: str


def added(command: tuple[str, ...]) -> Iterator[Line]:
    """Every line that these differences add."""
    commit, path = "what is not committed yet", ""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, errors="replace") as process:
        for line in process.stdout or ():
            if line.startswith("commit "):
                commit = line.split()[1][:12]
            elif line.startswith("+++ "):
                path = line[4:].strip().removeprefix("b/")
            elif line.startswith("+"):
                yield Line(commit, path, line[1:LONGEST])
    if process.returncode:
        sys.exit(f"git ended with {process.returncode}: the history was not looked at")


def harmless() -> set[str]:
    """The digests of what may stand in the repository."""
    return {line.split()[0] for line in HARMLESS.read_text().splitlines() if line and not line.startswith("#")}


def main() -> int:
    """Print where secrets stand; 1 when there is any."""
    known, seen, found = harmless(), set[str](), 0
    with transient_settings({"plugins_used": [{"name": name} for name in DETECTORS]}):
        for line in (one for command in (HISTORY, WAITING) for one in added(command)):
            if line.text in seen:
                continue
            seen.add(line.text)
            for secret in scan_line(line.text):
                digest = hashlib.sha256((secret.secret_value or "").encode()).hexdigest()
                if digest not in known:
                    known.add(digest)
                    found += 1
                    sys.stdout.write(f"{line.path} ({line.commit}): {secret.type}, {digest}\n")
    sys.stdout.write(f"secrets: {found} found in {len(seen):,} lines of the history and the tree\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
