"""The pages that a browser shows while somebody signs in: one card, one button, nothing from elsewhere. Pure."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import NamedTuple

STYLE = (
    ":root{color-scheme:light dark}*{box-sizing:border-box}"
    "body{font:17px/1.5 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;"
    "background:light-dark(#f2f4f7,#14171c);color:light-dark(#1b2430,#e7ecf3)}"
    "main{width:100%;max-width:27rem;padding:2rem;border-radius:14px;background:light-dark(#fff,#1e232b);"
    "border:1px solid light-dark(#d8dee6,#353d49)}"
    "h1{font-size:1.4rem;line-height:1.25;margin:0 0 1rem}p{margin:0 0 1rem;overflow-wrap:anywhere}"
    "small{font-size:.85rem;color:light-dark(#566273,#a4b0c0)}"
    ".check{font:600 1.9rem/1 ui-monospace,monospace;letter-spacing:.08em;text-align:center;margin:1.2rem 0}"
    ".go{display:block;width:100%;padding:.75rem 1rem;border:0;border-radius:9px;font-size:1rem;"
    "font-weight:600;line-height:1.3;font-family:inherit;text-align:center;text-decoration:none;cursor:pointer;background:#1f5fd0;color:#fff}"
    ".go:hover{background:#174da9}.go[disabled]{opacity:.55;cursor:wait}"
    ".go:focus-visible{outline:3px solid light-dark(#0b2f6b,#9cc2ff);outline-offset:3px}"
    "#state{margin:0}#state:not(:empty){margin-top:1rem}.bad{color:light-dark(#a8201a,#ff9d94)}"
)
SCRIPT = """"use strict";
const button = document.getElementById("go"), state = document.getElementById("state");
const say = (words, bad) => { state.textContent = words; state.className = bad ? "bad" : ""; };
const raw = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
const text = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)))
  .replace(/\\+/g, "-").replace(/\\//g, "_").replace(/=+$/, "");
const ask = async (path, body) => {
  const reply = await fetch("../api/v1/sign-in/passkey/" + path, {
    method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify(body),
    credentials: "omit", redirect: "error",
  });
  const said = await reply.json();
  if (!reply.ok) throw new Error((said.detail || "the server refused") + (said.hint ? ": " + said.hint : ""));
  return said;
};
const shown = async (begun) => {
  const options = JSON.parse(begun.options);
  options.challenge = raw(options.challenge);
  for (const one of [...(options.allowCredentials || []), ...(options.excludeCredentials || [])]) one.id = raw(one.id);
  if (options.user) options.user.id = raw(options.user.id);
  const made = begun.register_one ? await navigator.credentials.create({publicKey: options})
    : await navigator.credentials.get({publicKey: options});
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"])
    if (made.response[name]) response[name] = text(made.response[name]);
  return JSON.stringify({id: made.id, rawId: text(made.rawId), type: made.type, response, clientExtensionResults: {}});
};
button.addEventListener("click", async () => {
  button.disabled = true;
  say("Your browser or authenticator asks you now.");
  try {
    if (!window.PublicKeyCredential) throw new Error("This browser knows no passkeys.");
    const attempt = document.body.dataset.attempt, begun = await ask("ceremony", {attempt});
    const done = await ask("answer", {attempt, ceremony: begun.ceremony, answer: await shown(begun)});
    say("Done. Back to your terminal.");
    location.replace(done.location);
  } catch (error) {
    button.disabled = false;
    const told = {NotAllowedError: "It was cancelled, or took too long. Try again.",
                  InvalidStateError: "This authenticator has a passkey of yours already."};
    say(told[error.name] || error.message, true);
  }
});
"""


class Words(NamedTuple):
    """What a page says. `client` and `address` come from whoever began, and are shown as text only."""

    title: str
    lead: str
    button: str
    client: str = ""
    address: str = ""
    check: str = ""


def _hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_REST = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
POLICY = (f"default-src 'none'; script-src {_hashed(SCRIPT)}; style-src {_hashed(STYLE)}; connect-src 'self'; {_REST}")
QUIET_POLICY = f"default-src 'none'; style-src {_hashed(STYLE)}; {_REST}"


def passkey_page(attempt: str, words: Words) -> str:
    """The page that runs a ceremony; `attempt` is its id."""
    return _page(words.title, (
        f"{_who(words)}<button class=\"go\" id=\"go\" type=\"button\">{escape(words.button)}</button>"
        '<p id="state" role="status" aria-live="polite"></p>'
        "<noscript><p class=\"bad\">This page needs JavaScript: only that can ask your authenticator.</p></noscript>"
        f"<script>{SCRIPT}</script>"
    ), f' data-attempt="{escape(attempt)}"')


def link_page(address: str, words: Words) -> str:
    """The page with one link, to `address` as it is seen from the page: a tenant's door may stand before both."""
    return _page(words.title, f'{_who(words)}<a class="go" href="{escape(address)}">{escape(words.button)}</a>')


def told_page(title: str, text: str) -> str:
    """The page that only says something."""
    return _page(title, f"<p>{escape(text)}</p>")


def _who(words: Words) -> str:
    whence = f"Asked for by {words.client or 'a client without a name'}, from {words.address}."
    return (f"<p>{escape(words.lead)}</p>"
            f'<p class="check">{escape(words.check)}</p>'
            "<p>Go on only if the terminal in front of you shows the same number.</p>"
            f"<p><small>{escape(whence)}</small></p>")


def _page(title: str, inside: str, more: str = "") -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>' + escape(title) + " - GuruRMM</title>"
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"<style>{STYLE}</style></head><body{more}><main><h1>{escape(title)}</h1>{inside}</main></body></html>"
    )
