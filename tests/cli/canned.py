"""Answers of the operator's models for the double; every text in them can be made hostile."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Mapping
from typing import Any
from urllib.request import urlopen

from guru_policy.resources.vpn.diagnosing import Finding, Looked
from guru_policy.tree import git_blob_id
from guru_policy.verdict import State, Verdict
from guru_wire.access import (
    AccessAnswer,
    AccessExplained,
    ApprovalDetail,
    ApprovalRow,
    ClientCreated,
    GrantRow,
    GroupHeld,
    KeyCreated,
    KeyRow,
    Reason,
    RoleHeld,
    RuleSeen,
)
from guru_wire.admission import EnrolTokenRow, PendingRow
from guru_wire.alerting import (
    AlertDetail,
    AlertMoment,
    AlertRow,
    MaintenanceRow,
    MaintenanceStarted,
    NotificationRow,
)
from guru_wire.audit_log import AnchorRow, AuditCheckpoint, AuditExport, AuditRow, AuditVerified
from guru_wire.chunks import Sent
from guru_wire.drift import Drift, DriftRow
from guru_wire.enrolment import Trust
from guru_wire.events import DeliveryRow, Event, Events, HookRow
from guru_wire.exporting import Contents, Export, ExportedCustomer, ExportedFile, LeftOut
from guru_wire.files import PART, FileEntry, PartHead
from guru_wire.health import Diagnosis, Doctor
from guru_wire.holdings import (
    ChangedRow,
    DeviceInventory,
    FoundDevice,
    HeldRow,
    InventoryTable,
    PendingUpdates,
    SoftwareHolder,
    SoftwareRow,
)
from guru_wire.jobs import (
    JobCancelled,
    JobDetail,
    JobMade,
    JobProgress,
    JobRow,
    OutputRow,
    ParamRow,
    RunOutput,
    RunRow,
    ScriptDetail,
    ScriptRow,
)
from guru_wire.operator import (
    Admitted,
    Candidate,
    CheckCounts,
    Condition,
    CustomerStatus,
    DeviceChange,
    DeviceDetail,
    DeviceFacts,
    DeviceRow,
    EnrolTokenCreated,
    Explanation,
    FaultLine,
    FieldChange,
    LabelsChanged,
    ObjectChange,
    Page,
    Plan,
    PlannedOverride,
    RefusalRow,
    RevisionRow,
    RunSummary,
    Status,
    SyncProgress,
    SyncRequested,
    WhoAmI,
)
from guru_wire.overriding import OverrideRow
from guru_wire.people import (
    AccountState,
    Invited,
    RecoveryCodes,
    SessionSeen,
    SessionsEnded,
    TotpBegun,
    UserRow,
)
from guru_wire.planning import ExactPlan, Impact
from guru_wire.schedules import ScheduledRun, ScheduledRunEnding, ScheduleRow
from guru_wire.secrets import ServerRecipient
from guru_wire.sign_ins import AttemptBegun, DeviceCodeSeen, PasskeySeen
from guru_wire.transfers import Transfer
from guru_wire.uplink import Change, CheckResult, ResourceOutcome, ResourceReport, ServiceState
from tests.cli.double import Authority

REVISION = "9f31c2e4" * 5
OLDER = "71aa0b3c" * 5
ID = "0123456789abcdef" * 2
JOB, VPN_JOB, FILE_JOB, COPY_JOB = "3f2a91c0" * 4, "7e1b44d9" * 4, "5c0ffee5" * 4, "0ddba115" * 4
SEND_JOB = TRANSFER = "5e4d0ff5" * 4
HOSTS = b"127.0.0.1 localhost\n"
T = 1_700_000_000_000
SERVER = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"


APPROVAL: Any = {
    "id": "a1", "state": "approved", "actor": "person:ada", "verb": "command.run", "devices": 2, "asked": "ab",
    "created_at": T, "expires_at": T, "decided_by": "person:bob", "status": 201,
}


def grant(x: str) -> GrantRow:
    return GrantRow(
        id=f"r1{x}", kind="break-glass", state="granted", name=f"ada{x}", role=f"tech{x}", scope=f"org{x}", seconds=60,
        reason=f"fire{x}", created_at=T, expires_at=T, decided_by=f"bob{x}",
    )


def override(x: str = "", **more: Any) -> OverrideRow:
    """A value that ada overrides on web01."""
    values: dict[str, Any] = {
        "id": "0123456789abcdef", "device": ID, "name": f"web01{x}", "customer": f"acme{x}", "site": f"hq{x}",
        "path": f"checks.disk.warning{x}", "value": f"80%{x}", "actor": f"ada{x}", "reason": f"the archive{x}",
        "set_at": T, "expires_at": T * 2, "unfit": f"enforced{x}" if x else ""}
    return OverrideRow(**values | more)


EXPORTED = {
    "fleet.yaml": b"apiVersion: guru/v1\nkind: Fleet\nmetadata: {name: fleet}\nspec: {}\n",
    "customers/acme/customer.yaml": b"apiVersion: guru/v1\nkind: Customer\nmetadata: {name: acme}\nspec: {}\n",
    "org/motd.yaml": b"apiVersion: guru/v1\nkind: Policy\nmetadata: {name: motd}\nspec:\n  resources:\n"
                     b"    motd: {kind: file, path: /etc/motd, source: files/motd}\n",
    "files/motd": b"Good morning.\n",
}


def export(files: Mapping[str, bytes], x: str = "", **more: Any) -> Export:
    """An export of these files on one page."""
    values: dict[str, Any] = {
        "state": "5" * 64, "base": REVISION, "total": len(files),
        "customers": (ExportedCustomer(customer=f"acme{x}", org_revision=REVISION, revision=REVISION),),
        "left_out": (LeftOut(path=f"docs/link{x}", reason=f"a symbolic link{x}"),),
        "items": tuple(ExportedFile(path=path, blob=git_blob_id(data), size=len(data), revision=REVISION)
                       for path, data in sorted(files.items())),
    }
    return Export(**values | more)


def contents(files: Mapping[str, bytes]) -> dict[str, str]:
    """The contents of these files as base64, by blob id."""
    return {git_blob_id(data): base64.b64encode(data).decode() for data in files.values()}


def device(name: str = "web01", x: str = "", **more: Any) -> DeviceRow:
    """One row; `x` is put into every text."""
    values: dict[str, Any] = {
        "id": ID, "name": name, "customer": f"acme{x}", "site": f"hq{x}", "online": True, "last_seen": T,
        "state": "UpToDate", "since": T, "desired_revision": REVISION, "applied_revision": REVISION, "os": f"linux{x}",
        "agent_version": f"0.1.0{x}", "checks": CheckCounts(ok=3, critical=1), "labels": {f"op/role{x}": f"web{x}"}}
    return DeviceRow(**values | more)


def detail(name: str = "web01", x: str = "") -> DeviceDetail:
    """The whole of one device."""
    return DeviceDetail(
        **device(name, x).model_dump(), enrolled_at=T, serial=7, public_key="key",
        conditions=(Condition(type=f"Drifted{x}", status=True, reason=f"Changed{x}", message=f"by hand{x}", since=T),),
        run=RunSummary(
            run="r", serial=7, revision=REVISION, started_at=T, finished_at=T + 80, cause=f"manifest{x}",
            converged=False, resources=(ResourceReport(
                id=f"motd{x}", kind=f"file{x}", outcome=ResourceOutcome.failed, change=Change.corrective,
                steps=(f"write{x}",), message=f"disk full{x}"),)),
        check_results=(CheckResult(check=f"disk{x}", at=T, since=T, verdict=Verdict(
            state=State.warning, message=f"nearly full{x}", value=93.25, unit=f"%{x}")),),
        metrics={f"mem.used_percent{x}": 61.5}, services=(ServiceState(name=f"cron{x}", running=False, enabled=True),),
        refusals=(RefusalRow(at=T, first_at=T, times=3, code=f"G0495{x}", message=f"replayed{x}", serial=6),),
        overrides=(override(x),))


def fault(x: str = "") -> FaultLine:
    """One fault with a place."""
    return FaultLine(path=f"org/a.yaml{x}", line=3, column=5, message=f"unknown key{x}", hint=f"did you mean warn{x}")


def token(x: str = "") -> EnrolTokenRow:
    """An enrolment token."""
    return EnrolTokenRow(id=f"tok1{x}", customer=f"acme{x}", site=f"hq{x}", uses=2, used=1, created_at=T,
                         created_by=f"ada{x}", expires_at=T * 2, revoked=False)


def plan(x: str = "", **more: Any) -> Plan:
    """A plan with one object and one device."""
    change = FieldChange(path=f"spec.checks.disk.warn{x}", before=f"90%{x}", after=f"95%{x}", why=f"org/a.yaml:3{x}")
    values: dict[str, Any] = {
        "base_revision": OLDER, "target_revision": None,
        "objects": (ObjectChange(action="change", kind=f"Policy{x}", scope=f"org{x}", name=f"base{x}",
                                 path=f"org/a.yaml{x}", fields=(change,)),),
        "devices": (DeviceChange(device=ID, name=f"web01{x}", customer=f"acme{x}", site=f"hq{x}", online=False,
                                 fields=(change,)),),
        "affected": 1, "offline": 1, "by_customer": {f"acme{x}": 1},
        "impact": (Impact(by="customer", name=f"acme{x}", devices=1, offline=1),),
        "overrides": (PlannedOverride(**override(x).model_dump(), affected=True, masks=(change,)),), "overridden": 1}
    return Plan(**values | more)


def drift(x: str = "") -> Drift:
    """One resource that still differs."""
    row = DriftRow(device=ID, name=f"web01{x}", customer=f"acme{x}", site=f"hq{x}", resource=f"motd{x}",
                   kind=f"file{x}", change="suppressed", outcome="drifted", open=True, at=T, times=3,
                   steps=(f"write{x}",))
    return Drift(items=(row,), total=1, since=T, overrides=(override(x),))


def exact() -> ExactPlan:
    """What a saved plan holds the server to."""
    return ExactPlan(base=OLDER, target=REVISION, fleet="f" * 64, outcome="published", devices={ID: (None, "b" * 64)})


def revision(x: str = "") -> RevisionRow:
    """A commit that was published."""
    return RevisionRow(revision=REVISION, parent=OLDER, author=f"Ada{x}", subject=f"quieter disks{x}", seen_at=T,
                       finished_at=T, outcome="published", reason=f"why{x}", devices_changed=4, faults=(fault(x),))


def status(x: str = "") -> Status:
    """A fleet in which one customer is held."""
    held = CustomerStatus(customer=f"birch{x}", org_revision=REVISION, revision=OLDER, state="Held",
                          reason=f"1 fault{x}", faults=(fault(x),), devices={"Unknown": 2})
    return Status(
        remote=f"git@example{x}", branch=f"main{x}", last_fetch_at=T, last_fetch_error=f"no route{x}" if x else "",
        attempted_revision=REVISION, conditions=(Condition(
            type="Ready", status=False, reason=f"PartlyHeld{x}", message=f"birch{x}", since=T),),
        customers=(held,), revisions=(revision(x),), devices={"UpToDate": 48, "Unknown": 2}, alerts_firing=1,
        refusing=1)


def reason(x: str = "") -> Reason:
    """One reason of a decision."""
    return Reason(allowed=True, devices=2, role=f"tech{x}", rule=f"label{x}", binding=f"ada{x}",
                  at=f"org/roles.yaml:14{x}", revision=REVISION, unmet=(f"no ticket{x}",))


def key(x: str = "") -> KeyRow:
    """One API key."""
    return KeyRow(id="key1", name=f"ci{x}", verbs=(f"device.read{x}",), scope=f"customers/acme{x}", created_at=T,
                  created_by=f"person:ada{x}", expires_at=T, last_used_at=T, revoked=False)


def happened(x: str) -> Event:
    """An event of a device."""
    return Event(id="e1", source="/gururmm/main", type=f"dev.gururmm.device.online{x}", subject=f"device:d1{x}",
                 time="2023-11-14T22:13:20.000Z", sequence="7", customer=f"acme{x}", site="hq", device="d1",
                 data={"name": f"web01{x}", "actor": f"server{x}", "result": f"here{x}"})


def hook(x: str) -> HookRow:
    """A webhook that fails."""
    return HookRow(hook=f"org/psa{x}", customer="", host=f"https://psa.example{x}", events=(f"alert.*{x}",),
                   selector="", signed=True, state="failing", waiting=2, last_ok_at=T, failing_since=T,
                   disabled_at=None, next_try_at=T, error=f"503{x}")


def delivery(x: str) -> DeliveryRow:
    """An event that was taken."""
    return DeliveryRow(id="w1", hook=f"org/psa{x}", event="e1", type=f"alert.fired{x}", state="delivered", attempts=1,
                       status=204, why=x, created_at=T, finished_at=T)


def told(x: str = "") -> AuditRow:
    """A row of the audit log."""
    return AuditRow(tenant=f"main{x}", seq=1, at=T, actor=f"person:ada{x}", action=f"LabelsChanged{x}",
                    object=f"device:{ID}{x}", result=f"role=web{x}", device=f"{ID}{x}", customer=f"acme{x}",
                    address=f"192.0.2.1{x}", request=f"r1{x}", hash=f"{'a' * 64}{x}")


def verified(x: str = "") -> AuditVerified:
    """A chain that holds, and a place outside."""
    anchor = AnchorRow(name=f"git{x}", place=f"git@example guru-audit{x}", seq=1, anchored_at=T, error=x)
    return AuditVerified(ok=True, last=1, checkpoints=1, signed=1, keys=(f"k{x}",), anchors=(anchor,), why=x)
def run_row(name: str = "web01", x: str = "", **more: Any) -> RunRow:
    """A run that succeeded."""
    values: dict[str, Any] = {
        "device": ID, "name": f"{name}{x}", "customer": f"acme{x}", "site": f"hq{x}", "state": "succeeded",
        "reason": f"so{x}", "online": True, "started_at": T, "finished_at": T + 12, "duration": 12, "exit_code": 0,
        "signal": None, "out": 3, "err": 0, "kept": 3, "digest": f"d{x}"}
    return RunRow(**values | more)


def job_row(x: str = "", **more: Any) -> JobRow:
    """A job on two devices that is over."""
    values: dict[str, Any] = {
        "id": JOB, "what": f"uptime{x}", "actor": f"person:ada{x}", "target": f"role=web{x}", "created_at": T,
        "expires_at": T * 2, "finished_at": T + 20, "timeout": 60, "output": 65536, "template": f"t{x}",
        "revision": REVISION, "batch": f"10%{x}", "stopped": f"stopped{x}", "total": 2, "counts": {"succeeded": 2}}
    return JobRow(**values | more)


def progress(x: str = "", **more: Any) -> JobProgress:
    """All of that job at once, with what one device printed."""
    data = base64.b64encode(f"up{x}\n".encode()).decode()
    values: dict[str, Any] = {
        "job": job_row(x), "runs": (run_row("web01", x), run_row("web02", x, device=ID[::-1])), "next": 9, "done": True,
        "output": tuple(OutputRow(device=ID, name=f"web01{x}", stream=stream, offset=0, data=data)
                        for stream in ("out", "err"))}
    return JobProgress(**values | more)


def entry_line(x: str = "") -> bytes:
    """A folder of one name, as a device lists it."""
    entry = FileEntry(name=f"hosts{x}", type="link", size=7, mode="0644", owner=f"root{x}", group=f"root{x}", mtime=T,
                      target=f"there{x}")
    return entry.model_dump_json().encode() + b"\n"


def file_read(data: bytes, x: str = "", **run: Any) -> JobProgress:
    """A look at a file that brought these bytes."""
    digests = hashlib.sha256(data).hexdigest() + hashlib.sha256(b"").hexdigest()
    told = {"out": len(data), "kept": len(data), "digest": hashlib.sha256(digests.encode()).hexdigest()[:32], **run}
    return JobProgress(
        job=job_row(x, id=FILE_JOB, total=1, counts={"succeeded": 1}), runs=(run_row("web01", x, **told),), next=9,
        done=True, output=(OutputRow(device=ID, name=f"web01{x}", stream="out", offset=0,
                                     data=base64.b64encode(data).decode()),))


def file_part(content: bytes, start: int = 0, stamp: str = "5" * 32, length: int = PART) -> bytes:
    """What a device brings of a part of this file."""
    last = start + length >= len(content)
    head = PartHead(size=len(content), stamp=stamp, sha256=hashlib.sha256(content).hexdigest() if last else "")
    return head.model_dump_json().encode() + b"\n" + content[start:start + length]


def transfer(**more: Any) -> Transfer:
    """A file that a device sent."""
    values: dict[str, Any] = {"id": TRANSFER, "size": len(HOSTS), "sha256": hashlib.sha256(HOSTS).hexdigest(),
                              "chunks": 1, "state": "whole", "expires_at": T}
    return Transfer(**values | more)


def _diagnosis(x: str) -> str:
    finding = Finding(subject="routes", verdict=State.critical, message=f"none{x}", hint=f"add{x}", details=(f"a{x}",))
    found = Looked(profile=f"office{x}", type=f"l2tp{x}", platform=f"linux{x}", findings=(finding,))
    return base64.b64encode(json.dumps({"profiles": [found.model_dump(mode="json")]}).encode()).decode()


def script_row(x: str = "") -> dict[str, Any]:
    """A command template's fields."""
    param = ParamRow(name=f"days{x}", type=f"integer{x}", description=f"age{x}", required=False, default=f"7{x}",
                     choices=(f"7{x}",))
    return {"name": f"clear-temp{x}", "scope": f"org{x}", "display_name": f"Clear{x}", "command_class": f"cleaning{x}",
            "shell": f"sh{x}", "os": (f"linux{x}",), "run_as": f"system{x}", "timeout": 300, "output": 65536,
            "sandbox": f"none{x}", "approval": f"senior{x}", "params": (param,), "revision": REVISION}


def job_answers(x: str = "") -> dict[str, Any]:
    """What the verbs about jobs and scripts ask for."""
    made = JobMade(job=job_row(x), next=2)
    printed = RunOutput(job=JOB, run=run_row("web01", x), stdout=f"up{x}\n", stderr=f"err{x}\n", truncated=True)
    looked = JobProgress(
        job=job_row(x, id=VPN_JOB, total=1, counts={"succeeded": 1}), runs=(run_row("web01", x),), next=9, done=True,
        output=(OutputRow(device=ID, name=f"web01{x}", stream="out", offset=0, data=_diagnosis(x)),))

    def order(asked: Any) -> JobMade:
        if asked.body.get("file"):
            if asked.body["file"]["op"] == "send":
                return JobMade(job=job_row(x, id=SEND_JOB, total=1), next=2)
            copies = bool(asked.body["file"].get("part"))
            return JobMade(job=job_row(x, id=COPY_JOB if copies else FILE_JOB, total=1), next=2)
        vpn = asked.body.get("look") == "vpn" and asked.body["device"] == "vpn01"
        return JobMade(job=job_row(x, id=VPN_JOB, total=1), next=2) if vpn else made

    return {
        "POST /jobs": order, f"GET /jobs/{VPN_JOB}/progress": looked,
        f"GET /jobs/{FILE_JOB}/progress": file_read(entry_line(x), x),
        f"GET /jobs/{COPY_JOB}/progress": file_read(file_part(HOSTS), x),
        f"GET /jobs/{SEND_JOB}/progress": file_read(
            Sent(size=len(HOSTS), sha256=transfer().sha256).model_dump_json().encode(), x),
        "POST /transfers": (201, transfer(size=None, sha256="", chunks=0, state="filling").model_dump(mode="json")),
        f"GET /transfers/{TRANSFER}": transfer(), f"GET /transfers/{TRANSFER}/chunks/0": (200, HOSTS),
        f"POST /jobs/{JOB}/rerun": made, f"GET /jobs/{JOB}/progress": progress(x),
        "GET /jobs": Page[JobRow](items=(job_row(x),), total=1),
        f"GET /jobs/{JOB}": JobDetail(**job_row(x).model_dump(), runs=progress(x).runs),
        f"GET /jobs/{JOB}/output/web01": printed,
        f"POST /jobs/{JOB}/cancel": JobCancelled(job=JOB, cancelled=1, ending=1),
        "GET /scripts": Page[ScriptRow](items=(ScriptRow(**script_row(x)),), total=1),
        "GET /scripts/clear-temp": ScriptDetail(
            **script_row(x), script=f"find{x}\n", source=f"a.sh{x}", unless=f"true{x}"),
    }


def alerts(x: str = "") -> dict[str, Any]:
    """What is told of alerts, and of windows opened by hand."""
    alert = AlertRow(
        id=f"a1{x}", rule=f"disk-full{x}", device=ID, device_name=f"web01{x}", customer=f"acme{x}", site=f"hq{x}",
        check=f"disk{x}", state="firing", check_state=State.critical, severity=f"high{x}", summary=f"full{x}",
        started_at=T, fired_at=T, resolved_at=None, reason=f"why{x}")
    muted = alert.model_copy(update={"muted_by": (f"night{x}",)})
    taken = alert.model_copy(update={
        "acked_by": f"jan{x}", "acked_at": T, "acked_until": T * 2, "ack_note": f"mine{x}"})
    detail = AlertDetail(
        **taken.model_dump(),
        timeline=(AlertMoment(at=T, event="fired"), AlertMoment(
            at=T, event="told", who=(f"noc{x}", f"jan@msp.example{x}"), text=f"step org/shift/desk{x}")),
        notes=(NotificationRow(
            id=f"n1{x}", alert=f"a1{x}", customer=f"acme{x}", channel=f"noc{x}", event="firing", state="failed",
            attempts=3, created_at=T, finished_at=T, error=f"answered 500{x}", step=f"org/shift/desk{x}", round=1),))
    window = MaintenanceRow(
        id=f"maint-1{x}", selector=f"@acme/hq{x}", reason=f"new switch{x}", started_by=f"jan{x}", started_at=T,
        ends_at=T * 2, ended_by=f"eva{x}", open=True)
    return {
        "GET /alerts": Page[AlertRow](items=(alert, muted, taken), total=3),
        "GET /alerts/a1": detail, "POST /alerts/a1/acknowledgement": detail,
        "POST /maintenance": MaintenanceStarted(row=window, devices=3),
        "GET /maintenance": Page[MaintenanceRow](items=(window,), total=1), "DELETE /maintenance/maint-1": window,
    }


def browsing(asked: Any) -> AttemptBegun:
    """A page that a browser opens, and a browser that has been there already."""
    back = f"http://127.0.0.1:{asked.body['port']}/?code=one&state={asked.body['state']}"
    threading.Thread(target=lambda: urlopen(back, timeout=20).close(), daemon=True).start()
    return AttemptBegun(id="a1", url="https://guru.example/auth/passkey?attempt=a1", check="123 456", expires_at=T)


def people(x: str = "") -> dict[str, Any]:
    """What is told of signing in."""
    session = SessionSeen(id=f"s1{x}", name=f"ada{x}", method=f"password{x}", client=f"guru on pc{x}",
                          address=f"192.0.2.7{x}", mfa_at=T, created_at=T, turned_at=T, expires_at=T * 2, current=True)
    state = AccountState(name=f"ada{x}", second_factor=True, recovery_codes=9, required=False)
    user = UserRow(name=f"ada{x}", role="",
                   provider=f"corp{x}", groups=(f"helpdesk{x}",), known=True, state="locked", second_factor=True,
                   locked=f"left{x}", created_at=T, sessions=2)
    shell = DeviceCodeSeen(client=f"guru on pc{x}", address=f"192.0.2.7{x}", expires_at=T * 2, admitted=True)
    passkey = PasskeySeen(id=f"p1{x}", label=f"blue{x}", created_at=T, used_at=T)
    return {
        "GET /sessions": Page[SessionSeen](items=(session,), total=1), "DELETE /sessions": SessionsEnded(ended=2),
        "DELETE /sessions/s1": session, "GET /account": state, "POST /account/password": SessionsEnded(ended=1),
        "POST /account/totp": TotpBegun(secret=f"ABC{x}", uri=f"otpauth://totp/x{x}"),
        "POST /account/totp/confirmation": RecoveryCodes(codes=(f"abcde-fghij{x}",)),
        "POST /account/recovery-codes": RecoveryCodes(codes=(f"abcde-fghij{x}",)),
        "POST /account/step-up": state, "POST /account/totp/removal": state,
        "GET /users": Page[UserRow](items=(user,), total=1),
        "POST /users/ada/invitation": Invited(name=f"ada{x}", invitation=f"gurui_1{x}", expires_at=T * 2),
        "GET /account/passkeys": Page[PasskeySeen](items=(passkey,), total=1), "DELETE /account/passkeys/p1": passkey,
        "POST /device-codes/look": shell, "POST /device-codes/approval": shell,
        "POST /account/passkeys/attempts": browsing, "POST /account/passkeys": passkey,
        "POST /users/ada/lock": user, "DELETE /users/ada/lock": user,
    }


def holdings(x: str = "") -> dict[str, Any]:
    """What is told of the inventory."""
    where = {"id": ID, "name": f"web01{x}", "customer": f"acme{x}", "site": f"hq{x}"}
    table = InventoryTable(table=f"packages{x}", at=T, rows=2, cut=False, stale=False)
    change = ChangedRow(at=T, table="packages", change="changed", name=f"curl amd64 apt{x}",
                        before={"name": f"curl{x}", "version": f"7.1{x}"},
                        after={"name": f"curl{x}", "version": f"7.2{x}"})
    return {
        "GET /inventory/tables/web01": DeviceInventory(device=f"web01{x}", tables=(table,)),
        "GET /inventory/rows/web01": Page[HeldRow](
            items=(HeldRow(row={"name": f"curl{x}", "version": f"7.2{x}"}, since=T),), total=1),
        "GET /inventory/changes/web01": Page[ChangedRow](items=(change,), total=1),
        "GET /inventory/software": Page[SoftwareRow](
            items=(SoftwareRow(name=f"curl{x}", version=f"7.2{x}", manager=f"apt{x}", devices=3),), total=1),
        "GET /inventory/holders": Page[SoftwareHolder](items=(SoftwareHolder(
            **where, package=f"curl{x}", version=f"7.2{x}", arch=f"amd64{x}", manager=f"apt{x}", since=T),), total=1),
        "GET /inventory/updates": Page[PendingUpdates](
            items=(PendingUpdates(**where, updates=3, security=1, names=(f"curl{x}",), at=T),), total=1),
        "GET /schedules": Page[ScheduleRow](items=(ScheduleRow(
            name=f"nightly{x}", scope=f"org{x}", cron=f"30 2 * * *{x}", timezone="device", jitter=600, missed="once",
            template=f"clean{x}", selector=f"role=server{x}", revision=REVISION),), total=1),
        "GET /schedules/runs": Page[ScheduledRun](items=(ScheduledRun(
            **where, run=JOB,
            schedule=f"nightly{x}", template=f"clean{x}", due=T, state="failed", reason=f"no{x}", started_at=T,
            finished_at=T, duration=5, exit_code=1, signal=None, printed=3, out=f"out{x}", err=f"err{x}"),), total=1),
        f"POST /schedules/runs/{JOB[:8]}/cancel": ScheduledRunEnding(
            run=JOB, id=ID, name=f"web01{x}", schedule=f"nightly{x}", due=T),
        "GET /find": Page[FoundDevice](
            items=(FoundDevice(**where, field=f"mac{x}", value=f"52:54:00{x}"),), total=1),
    }


def answers(authority: Authority, x: str = "") -> dict[str, Any]:
    """An answer for every path that a verb asks for."""
    candidates = tuple(Candidate(value=f"{n}%{x}", layer=f"org{x}", path=f"org/a.yaml{x}", line=3, column=1,
                                 revision=REVISION) for n in (95, 90))
    return job_answers(x) | holdings(x) | {
        "GET /health": {"ok": True},
        "GET /trust": Trust(ca=authority.ca, state_key="s", link_key="l"),
        "GET /whoami": WhoAmI(name=f"ada{x}", tenant=f"main{x}", role=f"admin{x}", server_version=f"0.1.0{x}",
                                roles=(RoleHeld(role=f"admin{x}", binding=f"token{x}", scope="org"),)),
        "GET /doctor": Doctor(lines=(Diagnosis(name=f"disk{x}", ok=True, message=f"is fine{x}", fix=f"none{x}"),)),
        "GET /devices": Page[DeviceRow](items=(device(f"web01{x}", x), device(f"web02{x}", x)), total=2),
        "GET /devices/web01": detail(f"web01{x}", x), f"DELETE /devices/{ID}": device(f"web01{x}", x),
        "GET /devices/web01/facts": DeviceFacts(device=f"web01{x}", at=T, facts={f"os{x}": f"linux{x}", "cpus": 4}),
        "GET /devices/web01/explain": Explanation(
            device=f"web01{x}", path=f"checks.disk{x}", value=f"95%{x}", candidates=candidates),
        "POST /devices/labels": LabelsChanged(devices=(f"web01{x}",)),
        "GET /overrides": Page[OverrideRow](items=(override(x),), total=1),
        "POST /overrides": Page[OverrideRow](items=(override(x),), total=1),
        "DELETE /overrides/0123456789abcdef": Page[OverrideRow](
            items=(override(x, ended_at=T, ending="removed"),), total=1),
        "GET /status": status(x),
        "GET /revisions": Page[RevisionRow](items=(revision(x),), total=1),
        "POST /sync": SyncRequested(revision=REVISION, outcome="published", reason=f"r{x}", devices_changed=2),
        f"GET /revisions/{REVISION}/progress": SyncProgress(revision=REVISION, devices={"UpToDate": 2}),
        "POST /plans": plan(x),
        "GET /drift": drift(x),
        "GET /secrets/recipient": ServerRecipient(recipient=SERVER),
        "GET /exports": export(EXPORTED, x),
        "POST /exports/contents": Contents(contents=contents(EXPORTED)),
        "POST /applications": SyncRequested(revision=REVISION, outcome="published", reason=f"r{x}", devices_changed=2),
        "POST /rollbacks": SyncRequested(revision=REVISION, outcome="published", reason=f"r{x}", devices_changed=2),
        "GET /admissions": Page[PendingRow](items=(PendingRow(
            id=f"p1{x}", name=f"web09{x}", customer=f"acme{x}", site=f"hq{x}", held="pending", why=f"odd{x}", since=T,
            hardware=f"ab{x}", alike=(f"acme/hq/web01{x}",), public_key=f"key{x}", enrolled_by=f"tok1{x}"),), total=1),
        **{f"POST /admissions/{act}": Admitted(
            device=f"p1{x}", name=f"web09{x}", customer=f"acme{x}", site=f"hq{x}", held="")
           for act in ("approvals", "denials", "quarantines", "releases", "key-rotations")},
        "POST /enrolment-tokens": EnrolTokenCreated(token=f"guru1.abc{x}", row=token(x)),
        "GET /enrolment-tokens": Page[EnrolTokenRow](items=(token(x),), total=1),
        "DELETE /enrolment-tokens/tok1": token(x),
        "GET /access/can": AccessAnswer(
            verb=f"device.label{x}", about=f"@acme{x}", allowed=True, devices=2, allowed_devices=2,
            reasons=(reason(x),)),
        "GET /access/explain": AccessExplained(
            subject=f"user:ada{x}", verb=f"shell.open{x}", device=ID, allowed=False, told=f"no{x}", revision=REVISION,
            decided_by=reason(x), fixed_roles=(f"viewer{x}",),
            groups=(GroupHeld(group=f"helpdesk{x}", by=f"corp{x}"),), unmet=(f"no ticket{x}",), rules=(RuleSeen(
                role=f"r{x}", rule=f"s{x}", binding=f"b{x}", scope=f"org{x}", effect="allow", at=f"org/r.yaml:3{x}",
                selector=f"op/a=b{x}", applies=True, conditions=(f"a ticket{x}",)),)),
        "GET /access/requests": Page[GrantRow](items=(grant(x),), total=1),
        "POST /access/requests": grant(x), "POST /access/break-glass": grant(x),
        **{f"POST /access/requests/r1/{word}": grant(x) for word in ("approve", "deny", "revoke", "review")},
        "GET /approvals": Page[ApprovalRow](items=(ApprovalRow(**APPROVAL, about=f"do{x}"),), total=1),
        "GET /approvals/a1": ApprovalDetail(
            **APPROVAL, about=f"do{x}", method="POST", path=f"/api/v1/jobs{x}", body=f"{{}}{x}", targets=(f"acme{x}",)),
        **{f"POST /approvals/a1/{word}": ApprovalRow(**APPROVAL, about=f"do{x}") for word in ("approve", "deny")},
        "POST /keys": KeyCreated(key=f"guruk_1{x}", row=key(x)),
        "GET /keys": Page[KeyRow](items=(key(x),), total=1), "DELETE /keys/key1": key(x),
        "GET /events": Events(items=(happened(x),), cursor="7"),
        "GET /hooks": Page[HookRow](items=(hook(x),), total=1),
        "GET /hooks/deliveries": Page[DeliveryRow](items=(delivery(x),), total=1),
        "GET /hooks/deliveries/w1": delivery(x), "POST /hooks/test": delivery(x),
        "POST /hooks/deliveries/w1/redelivery": delivery(x),
        "POST /clients": ClientCreated(client_id=f"key1{x}", client_secret=f"guruo_1{x}", row=key(x)),
        "GET /clients": Page[KeyRow](items=(key(x),), total=1), "DELETE /clients/key1": key(x),
        "GET /audit": Page[AuditRow](items=(told(x),), total=1),
        "GET /audit/export": AuditExport(entries=(told(x),), checkpoints=(AuditCheckpoint(
            tenant=f"main{x}", seq=1, hash=f"{'a' * 64}{x}", at=T, key=f"k{x}", signature=f"s{x}"),)),
        "GET /audit/verification": verified(x),
        **alerts(x), **people(x),
    }
