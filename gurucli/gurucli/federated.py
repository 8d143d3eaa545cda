"""A CI job's own token, and what a server gives for it. It stores nothing, and asks nobody anything.

GitHub and Forgejo: a job that may (`permissions: {id-token: write}`) fetches a token for an audience of its choice.
GitLab and others: the pipeline file asks for a token in the variable GURU_ID_TOKEN.
"""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode, urlsplit

from guru_policy.errors import NotSignedIn, Unreachable, Unsupported
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.problems import error_from
from gurucli.transport import Wire, trusting

TOKEN = "/api/v1/token"  # noqa: S105 - a path
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - a name of the standard's


def exchanged(cli: Cli, address: str, ca: str, account: str, audience: str) -> str:
    """An access token of the server for this job. NotSignedIn, with the server's reason."""
    form = {"grant_type": EXCHANGE, "subject_token_type": ID_TOKEN, "subject_token": _token_of_job(cli, audience)}
    body = urlencode(form | ({"client_id": account} if account else {})).encode()
    headers = {"Accept": "application/json", "User-Agent": "guru", "Content-Type": "application/x-www-form-urlencoded"}
    wire = Wire(address, trusting(ca), cli.timeout)
    try:
        reply = wire.send("POST", TOKEN, headers, body)
    finally:
        wire.close()
    said = _object(reply.body)
    if reply.status == 200 and isinstance(said.get("access_token"), str):
        return str(said["access_token"])
    why = clean(str(said.get("error_description", "")))[:300]
    if not why:
        raise error_from(reply.status, reply.body)
    if reply.status >= 500:
        raise Unreachable(f"the server could not judge the job's token: {why}")
    raise NotSignedIn(why, hint="a ServiceAccount in org/ says which jobs it trusts: docs/single-sign-on.md")


def _token_of_job(cli: Cli, audience: str) -> str:
    here = cli.environment
    if here.job_token:
        return here.job_token
    if not (here.job_url and here.job_secret):
        raise NotSignedIn(
            "this is no CI job that may have a token",
            hint="GitHub: `permissions: {id-token: write}`; GitLab: `id_tokens: {GURU_ID_TOKEN: {aud: ...}}`")
    parts = urlsplit(here.job_url)
    wire = Wire(f"{parts.scheme}://{parts.netloc}", trusting(""), cli.timeout)
    target = f"{parts.path}?{parts.query}{'&' if parts.query else ''}audience={quote(audience, safe='')}"
    try:
        reply = wire.send("GET", target, {
            "Authorization": f"Bearer {here.job_secret}", "Accept": "application/json", "User-Agent": "guru"}, None)
    finally:
        wire.close()
    token = _object(reply.body).get("value")
    if reply.status != 200 or not isinstance(token, str):
        raise Unsupported(f"the forge answered {reply.status} and no token to the job", hint="may the job have one?")
    return token


def _object(body: bytes) -> dict[str, object]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
