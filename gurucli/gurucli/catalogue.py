"""Every verb of `guru` with its module and one line of help, so that help imports nothing. It runs nothing.
"""

from __future__ import annotations

from typing import NamedTuple


class Verb(NamedTuple):
    """One command: its words, the module whose `run` it is, and its first line of help."""

    path: tuple[str, ...]
    module: str
    summary: str


def _verb(words: str, module: str, summary: str) -> Verb:
    return Verb(tuple(words.split()), f"gurucli.commands.{module}", summary)


VERBS: tuple[Verb, ...] = (
    _verb("today", "fleet.today", "Show what wants your eye: alerts, failed jobs, drift, who is away."),
    _verb("top", "meta.top", "Watch the fleet on one screen: triage, devices, alerts and jobs."),
    _verb("status", "fleet.status", "Show what is in force, what is held back and why."),
    _verb("device list", "device.list", "List devices and how far they are."),
    _verb("device show", "device.show", "Show one device: conditions, checks, the newest run."),
    _verb("find", "fleet.find", "Find devices by name, address, MAC, serial or who is there."),
    _verb("device inventory", "device.inventory", "Show what a device has: software, accounts, hardware."),
    _verb("device history", "device.history", "Show what came, went and changed on a device."),
    _verb("software list", "software.list", "List the software of the fleet, with versions."),
    _verb("software show", "software.show", "Show which devices have a package, and since when."),
    _verb("software updates", "software.updates", "List devices that have updates to install."),
    _verb("device facts", "device.facts", "Show what a device says of itself."),
    _verb("device label", "device.label", "Set and remove labels of one device or many."),
    _verb("device revoke", "device.revoke", "Cut a device off for good."),
    _verb("device quarantine", "device.quarantine", "Give a device nothing, and believe nothing it says."),
    _verb("device release", "device.release", "End a quarantine."),
    _verb("device rotate-key", "device.rotate_key", "Have a device make a new key."),
    _verb("run", "job.run", "Run a command on one device or many."),
    _verb("query", "query.run", "Ask devices in SQL, live."),
    _verb("ls", "file.ls", "List a folder of a device."),
    _verb("cat", "file.cat", "Print a file of a device."),
    _verb("tail", "file.tail", "Print the last lines of a file of a device."),
    _verb("cp", "file.cp", "Copy a file from devices, to devices, or between them."),
    _verb("rm", "file.rm", "Remove a file of one device or many."),
    _verb("job list", "job.list", "List the newest jobs."),
    _verb("job show", "job.show", "Show one job with every device of it."),
    _verb("job watch", "job.watch", "Follow a job from its beginning until nothing more is to be expected."),
    _verb("job output", "job.output", "Print what a device printed."),
    _verb("job cancel", "job.cancel", "End a job: what runs of it is ended, what waits never begins."),
    _verb("job rerun", "job.rerun", "Run a job's command once more, as a new job."),
    _verb("script list", "script.list", "List the command templates in force."),
    _verb("script show", "script.show", "Show one command template: parameters, limits and text."),
    _verb("script run", "script.run", "Run a command template of the repository."),
    _verb("schedule list", "schedule.list", "List the schedules in force."),
    _verb("schedule runs", "schedule.runs", "Show how the newest runs of schedules went."),
    _verb("schedule cancel", "schedule.cancel", "End a run of a schedule that is under way."),
    _verb("vpn diagnose", "vpn.diagnose", "Look why a VPN does not work on a device."),
    _verb("alert list", "alert.list", "List the alerts that fire."),
    _verb("alert show", "alert.show", "Show one alert: what became of it, and who was told when."),
    _verb("alert ack", "alert.ack", "Take an alert up: escalations wait meanwhile."),
    _verb("maint start", "maint.start", "Have nobody told of the alerts of some devices for a while."),
    _verb("maint list", "maint.list", "List the windows that people opened by hand."),
    _verb("maint end", "maint.end", "Close a window that was opened by hand, sooner."),
    _verb("drift", "fleet.drift", "Show where devices differed from what they should be."),
    _verb("events", "events.events", "Show what happened, and with --watch what happens."),
    _verb("listen", "events.listen", "Post what happens to a program on this machine."),
    _verb("webhook list", "webhook.list", "List the webhooks in force, and how they go."),
    _verb("webhook test", "webhook.test", "Send a webhook a test, and wait for the answer."),
    _verb("webhook deliveries", "webhook.deliveries", "List what webhooks were sent, the newest first."),
    _verb("webhook redeliver", "webhook.redeliver", "Send an event once more, and wait for the answer."),
    _verb("override set", "override.set", "Put a value in the place of what Git says, for a while."),
    _verb("override list", "override.list", "List the overrides in force, with who set them and when they end."),
    _verb("override rm", "override.rm", "End overrides now; devices go back to what Git says."),
    _verb("explain", "fleet.explain", "Say where a value comes from, or what a code or a field means."),
    _verb("init", "fleet.init", "Start a fleet repository: valid files that change nothing yet."),
    _verb("fmt", "fleet.fmt", "Bring the YAML of a repository into one form, comments kept."),
    _verb("validate", "fleet.validate", "Check a fleet repository, offline, and name every fault."),
    _verb("test", "fleet.test", "Run the tests of a fleet repository, offline."),
    _verb("schema", "fleet.schema", "Write JSON Schemas of every kind, as editors look for them."),
    _verb("diff", "fleet.diff", "Compare two versions, and what devices get from them."),
    _verb("render", "fleet.render", "Show what a device gets, merged and in order."),
    _verb("plan", "fleet.plan", "Show what a change would do to which devices; nothing is changed."),
    _verb("ci", "fleet.ci", "Validate, test and plan a fleet repository in one pass."),
    _verb("apply", "fleet.apply", "Bring a saved plan into force exactly as shown, or not at all."),
    _verb("rollback", "fleet.rollback", "Go back to a revision that was in force, at once; Git may be down."),
    _verb("sync", "fleet.sync", "Have the newest commit fetched now, and wait until devices follow."),
    _verb("wait", "fleet.wait", "Wait until enough of the chosen devices are in a state."),
    _verb("secrets edit", "secrets.edit", "Change a secret, or give a new one its first value."),
    _verb("secrets check", "secrets.check", "Look whether secrets, files and recipients fit together."),
    _verb("secrets rotate", "secrets.rotate", "Encrypt secrets anew for the recipients that they name now."),
    _verb("secrets recipients list", "secrets.recipients_list", "List who can open which secrets, the server too."),
    _verb("secrets recipients add", "secrets.recipients_add", "Add a recipient to secrets, in their YAML."),
    _verb("secrets recipients rm", "secrets.recipients_rm", "Take a recipient out of secrets, in their YAML."),
    _verb("export", "fleet.export", "Write what is in force as a fleet repository."),
    _verb("import server", "importing.server", "Bring what is in force at the server into a repository."),
    _verb("import tactical", "importing.tactical", "Read saved answers of Tactical RMM's API as objects."),
    _verb("import fleet", "importing.fleet", "Read the GitOps files of Fleet (fleetdm.com) as objects."),
    _verb("revision list", "revision.list",
          "List the commits that the server saw, and how far each one got."),
    _verb("audit list", "audit.list", "List who did what, and how it went."),
    _verb("audit search", "audit.search", "Search the actors, actions, objects and results of the audit log."),
    _verb("audit export", "audit.export", "Write the whole audit log, oldest first, with all that proves it."),
    _verb("audit verify", "audit.verify", "Check that no row of the audit log was changed, removed or moved."),
    _verb("enroll token create", "enroll.token_create", "Make a token with which devices join."),
    _verb("enroll token list", "enroll.token_list", "List the tokens with which devices join."),
    _verb("enroll token revoke", "enroll.token_revoke", "End a token, so that no more devices join with it."),
    _verb("enroll pending list", "enroll.pending_list",
          "List the devices that wait to be let in, and those in quarantine."),
    _verb("enroll pending approve", "enroll.pending_approve", "Let a device in that waits."),
    _verb("enroll pending deny", "enroll.pending_deny", "Keep a device out that waits, for good."),
    _verb("can", "access.can", "Say whether you may do something, and by which rule."),
    _verb("access explain", "access.explain", "Say why somebody may or may not do something to a device."),
    _verb("access request", "access.request", "Ask for rights for a while."),
    _verb("access list", "access.list", "List rights that people asked for, or took, for a while."),
    _verb("access approve", "access.approve", "Grant what somebody else asked for."),
    _verb("access deny", "access.deny", "Say no to a request, or take your own back."),
    _verb("access revoke", "access.revoke", "End granted rights before their time."),
    _verb("access break-glass", "access.break_glass", "Take the role that the repository keeps for emergencies."),
    _verb("access review", "access.review", "Say that you looked at what somebody did by break-glass."),
    _verb("approval list", "approval.list", "List acts that need a second person."),
    _verb("approval show", "approval.show", "Show an act that needs a second person."),
    _verb("approval approve", "approval.approve", "Agree to what somebody else asked for: it runs at once."),
    _verb("approval deny", "approval.deny", "Say no to what waits, or take your own back."),
    _verb("key create", "key.create", "Make an API key for a program."),
    _verb("key list", "key.list", "List the API keys."),
    _verb("key revoke", "key.revoke", "End an API key for good."),
    _verb("client create", "client.create", "Make an OAuth client for another product."),
    _verb("client list", "client.list", "List the OAuth clients."),
    _verb("client revoke", "client.revoke", "End an OAuth client for good, with every token that it has."),
    _verb("login", "session.login", "Sign in at a server, and keep it as a context."),
    _verb("logout", "session.logout", "Forget a server; a session is ended there, too."),
    _verb("whoami", "session.whoami", "Show who you are, and where."),
    _verb("session list", "session.list", "List sign-ins that go on, with their clients."),
    _verb("session revoke", "session.revoke", "End a sign-in, or all of them."),
    _verb("session approve", "session.approve", "Let a shell in that has no browser: it is signed in as you."),
    _verb("password", "session.password", "Set another password; your other sessions end."),
    _verb("mfa status", "mfa.status", "Show your second factor, and how many recovery codes are left."),
    _verb("mfa setup", "mfa.setup", "Set a second factor up, or replace the one you have."),
    _verb("mfa verify", "mfa.verify", "Show your second factor again, for what asks for a fresh one."),
    _verb("mfa recovery", "mfa.recovery", "Make fresh recovery codes in the place of those of before."),
    _verb("mfa disable", "mfa.disable", "Take your second factor away."),
    _verb("passkey add", "passkey.add", "Add a passkey: it signs in by itself, and counts as a second factor."),
    _verb("passkey list", "passkey.list", "List your passkeys."),
    _verb("passkey rm", "passkey.rm", "Remove one of your passkeys."),
    _verb("user list", "user.list", "List who may sign in, with groups and sessions."),
    _verb("user invite", "user.invite", "Invite somebody by a code with which they set a password."),
    _verb("user lock", "user.lock", "Shut somebody out; their sessions end at once."),
    _verb("user unlock", "user.unlock", "Let somebody in again who was locked."),
    _verb("context list", "context.list", "List the servers you signed in at."),
    _verb("context use", "context.use", "Choose the server that commands talk to."),
    _verb("alias set", "alias.set", "Give a short word to a longer command line."),
    _verb("alias list", "alias.list", "List your aliases."),
    _verb("alias rm", "alias.rm", "Remove an alias."),
    _verb("doctor", "meta.doctor", "Look for what is wrong, and say how to mend it."),
    _verb("completion", "meta.completion", "Print or install completion for bash, zsh or fish."),
    _verb("man", "meta.man", "Write the manual pages, one for each command."),
    _verb("api", "meta.api", "Send any request to the server's API."),
    _verb("version", "meta.version", "Show the versions of this program."),
)

GROUPS: dict[tuple[str, ...], str] = {
    ("device",): "Look at devices, label them, cut them off.",
    ("software",): "See which software is where.",
    ("job",): "Look at what was run, follow it, end it, run it again.",
    ("script",): "Run the command templates of the repository.",
    ("schedule",): "See what devices run by themselves, and how it went.",
    ("vpn",): "Look why a VPN does not work.",
    ("alert",): "Look at alerts, take them up.",
    ("maint",): "Keep alerts quiet for a while, by hand.",
    ("webhook",): "See how webhooks go, try them out, send once more.",
    ("override",): "Differ from Git for a while, by hand and for a reason.",
    ("revision",): "Look at the commits of the fleet repository.",
    ("audit",): "See who did what, and prove that nobody altered that.",
    ("secrets",): "Keep secrets encrypted in the fleet repository.",
    ("secrets", "recipients"): "Choose who can open secrets.",
    ("import",): "Bring in what a server or another product has.",
    ("enroll",): "Let devices join.",
    ("enroll", "token"): "Make, list and end enrolment tokens.",
    ("enroll", "pending"): "Decide about devices that wait to be let in.",
    ("context",): "Choose between servers.",
    ("alias",): "Give short words to longer command lines.",
    ("access",): "Look at who may do what; have rights for a while.",
    ("approval",): "Agree, or not, to what needs a second person.",
    ("key",): "Make, list and end API keys.",
    ("client",): "Let other products in by OAuth.",
    ("session",): "Look at sign-ins, end them, let a shell in.",
    ("mfa",): "Set up and show your second factor.",
    ("passkey",): "Sign in without a password.",
    ("user",): "Invite people, list them, shut them out.",
}

SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Fleet", ("today", "top", "status", "find", "device", "software", "alert", "maint", "drift", "events",
               "override", "explain")),
    ("Acting", ("run", "query", "job", "script", "schedule", "vpn", "ls", "cat", "tail", "cp", "rm")),
    ("Policy in Git", ("init", "fmt", "validate", "test", "schema", "diff", "render", "plan", "ci", "apply",
                       "sync", "wait", "rollback", "secrets", "export", "import", "revision")),
    ("Joining", ("enroll",)),
    ("Rights", ("can", "access", "approval", "key", "client")),
    ("Audit", ("audit",)),
    ("Integrations", ("webhook", "listen")),
    ("Sign-in", ("login", "logout", "whoami", "session", "password", "mfa", "passkey", "user", "context")),
    ("Tools", ("doctor", "alias", "completion", "man", "api", "version")),
)

_BY_PATH = {verb.path: verb for verb in VERBS}


def verb_at(path: tuple[str, ...]) -> Verb | None:
    """The verb with exactly these words."""
    return _BY_PATH.get(path)


def below(path: tuple[str, ...]) -> dict[str, str]:
    """The words that may follow, with their summaries, in the order of the catalogue."""
    found: dict[str, str] = {}
    for verb in VERBS:
        if verb.path[:len(path)] == path and len(verb.path) > len(path):
            inner = verb.path[:len(path) + 1]
            found.setdefault(inner[-1], GROUPS.get(inner, verb.summary))
    return found
