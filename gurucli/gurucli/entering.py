"""Signing in by a password or in a browser: what is asked, what is sent, and where the session is kept then."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from typing import Literal

from guru_policy.errors import DeadlinePassed, FactorNeeded, Unsupported, UsageWrong
from gurucli.answers_people import AttemptBegun, DeviceCodeGiven
from gurucli.asking import ask, ask_secret
from gurucli.browsing import PATIENCE, brought, challenge_of
from gurucli.clean import clean
from gurucli.cli import Cli
from gurucli.client import shaped
from gurucli.contexts import Context, store_of
from gurucli.problems import error_from
from gurucli.session_store import Held, usable_place
from gurucli.signed import SIGN_IN, client_name, fresh_key, held_of, key_of, proof
from gurucli.transport import Reply, Wire, trusting

INVITATION = "/api/v1/account/invitation"
ATTEMPTS = "/api/v1/sign-in/attempts"
EXCHANGE = "/api/v1/sign-in/exchange"
DEVICE = "/api/v1/sign-in/device"


def entered(cli: Cli, context: Context, user: str, code: str, *, invited: bool) -> Context:
    """The context with a session of `user`, which is kept. NotSignedIn for a wrong password, or a missing code.

    A password is read without echo, or from standard input when that is no terminal; never from an option.
    """
    wire = Wire(context.url, trusting(context.ca), cli.timeout)
    try:
        password = _invited(cli, wire) if invited else _password(cli, f"Password of {user}:")
        seed = fresh_key()
        try:
            held = _signed_in(wire, seed, user, password, code)
        except FactorNeeded:
            if code or not cli.interactive:
                raise
            held = _signed_in(wire, seed, user, password, ask(cli, "Code of your second factor:"))
    finally:
        wire.close()
    return _kept(cli, context, held)


def coded(cli: Cli, context: Context) -> Context:
    """The context with a session that somebody let in from another shell, which is kept. NotSignedIn."""
    wire, seed, verifier = Wire(context.url, trusting(context.ca), cli.timeout), fresh_key(), secrets.token_urlsafe(48)

    def said(path: str, body: Mapping[str, object]) -> Reply:
        reply = wire.send("POST", path, _headers(proof(key_of(seed), "POST", path)), json.dumps(body).encode())
        if reply.status >= 400 and reply.status != 429:
            raise error_from(reply.status, reply.body)
        return reply

    try:
        begun = said(DEVICE, {"challenge": challenge_of(verifier), "client": client_name()})
        given = shaped(DeviceCodeGiven, json.loads(begun.body))
        cli.out.say(f"you sign in at {context.url} from another shell. Where you are signed in, run\n"
                    f"  guru session approve {clean(given['user_code'])}")
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            reply = said(f"{DEVICE}/exchange", {"attempt": given["id"], "verifier": verifier})
            if reply.status == 201:
                return _kept(cli, context, held_of(reply.body, seed))
            time.sleep(min(max(given["interval"], 1), 30))
    except ValueError as cause:
        raise Unsupported("the server's answer is not JSON") from cause
    finally:
        wire.close()
    raise DeadlinePassed("nobody let this shell in", hint="begin again")


def browsed(cli: Cli, context: Context, way: Literal["passkey", "sso"], provider: str = "") -> Context:
    """The context with a session of whoever shows in a browser who they are, which is kept. NotSignedIn."""
    wire, seed = Wire(context.url, trusting(context.ca), cli.timeout), fresh_key()

    def said(path: str, body: Mapping[str, object]) -> bytes:
        reply = wire.send("POST", path, _headers(proof(key_of(seed), "POST", path)), json.dumps(body).encode())
        if reply.status >= 400:
            raise error_from(reply.status, reply.body)
        return reply.body

    def begun(back: Mapping[str, object]) -> AttemptBegun:
        more = {"provider": provider} if provider else {}
        try:
            return shaped(AttemptBegun, json.loads(said(
                ATTEMPTS, {**back, **more, "way": way, "client": client_name()})))
        except ValueError as cause:
            raise Unsupported("the server's answer is not JSON") from cause

    try:
        done = brought(cli, begun, f"you sign in at {context.url} in your browser")
        wire.close()                    # nobody keeps a connection for minutes
        held = held_of(said(EXCHANGE, done.body), seed)
    finally:
        wire.close()
    return _kept(cli, context, held)


def _kept(cli: Cli, context: Context, held: Held) -> Context:
    kept = Context(context.name, context.url, "", context.ca, usable_place())
    store_of(cli.environment, kept).save(held)
    if kept.session == "file":
        cli.out.note(f"no keyring is here: the session is kept in {cli.environment.config.parent / 'sessions'}, "
                     "readable by you alone")
    return kept


def _signed_in(wire: Wire, seed: str, user: str, password: str, code: str) -> Held:
    body = {"user": user, "password": password, "code": code, "client": client_name()}
    reply = wire.send("POST", SIGN_IN, _headers(proof(key_of(seed), "POST", SIGN_IN)), json.dumps(body).encode())
    if reply.status >= 400:
        raise error_from(reply.status, reply.body)
    return held_of(reply.body, seed)


def _invited(cli: Cli, wire: Wire) -> str:
    """The password that an invitation sets."""
    code = ask_secret(cli, "Invitation:")
    password = ask_secret(cli, "New password:")
    if password != ask_secret(cli, "Once more:"):
        raise UsageWrong("the two are not the same", hint="nothing was set; try again")
    reply = wire.send("POST", INVITATION, _headers(""), json.dumps(
        {"invitation": code, "password": password}).encode())
    if reply.status >= 400:
        raise error_from(reply.status, reply.body)
    return password


def _password(cli: Cli, question: str) -> str:
    import sys

    if not cli.environment.stdin_terminal and not cli.options.no_input:
        return sys.stdin.readline(4096).rstrip("\n")
    return ask_secret(cli, question)


def _headers(proved: str) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "guru"}
    return {**headers, "DPoP": proved} if proved else headers
