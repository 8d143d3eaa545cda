"""People and groups in the words of SCIM 2.0 (RFC 7643), and back. It reads no table and answers nobody.

Only what is of use here is known: every other attribute is taken, and kept nowhere. What Entra ID and Okta send beside
the standard is understood. Importing this costs half a second, so `api` does it once
somebody comes by SCIM at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import Field
from scim2_models import (
    CaseExact,
    ComplexAttribute,
    Context,
    ForbiddenException,
    ListResponse,
    Meta,
    Mutability,
    PatchOp,
    Reference,
    Required,
    Resource,
    ScimPolicy,
    ScimProvider,
    SearchRequest,
    ServiceProviderConfig,
    Uniqueness,
)
from scim2_models import Group as CoreGroup
from scim2_models import User as CoreUser
from scim2_models.resources.user import Name

from guru_policy.errors import InputInvalid, NotFound
from guru_server.provisioning.groups import Group as Held
from guru_server.provisioning.groups import Member, Wanted
from guru_server.provisioning.keeping import Wish
from guru_server.provisioning.people import Provisioned

POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore, remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
MOST_FILTER = 1_000                     # characters
MOST_OPERATIONS = 100                   # of one PATCH
MOST_OF_A_GROUP = 30                    # removals of members count as one: each change looks at everybody in it
PAGE, MOST_PAGE = 100, 200
_MEMBER = re.compile(r'members\[value eq "([^"\\]{1,100})"\]')
_OURS = ("id", "meta", "schemas")       # Okta sends them along in a PATCH; they are the server's


class _Removal(dict[str, Any]):
    """One operation made of several."""


class Email(ComplexAttribute):
    """An address of mail."""

    value: str | None = None
    display: str | None = None
    type: str | None = None
    primary: bool | None = None


class User(Resource):               # type: ignore[type-arg]  # without extensions
    """Somebody who signs in."""

    __schema__ = CoreUser.__schema__

    user_name: Annotated[str | None, Uniqueness.server, Required.true] = None
    """The name here; what Bindings call user:NAME."""
    name: Name | None = None
    """The parts of the name."""
    display_name: str | None = None
    """What others read."""
    active: bool | None = None
    """Whether the person may sign in."""
    emails: list[Email] | None = None
    """Addresses of mail."""

    Emails: ClassVar[type[ComplexAttribute]] = Email


class Inside(ComplexAttribute):
    """Somebody in a group."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    ref: Annotated[Reference[User] | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref")
    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User"])


class Group(Resource):              # type: ignore[type-arg]
    """A group of people."""

    __schema__ = CoreGroup.__schema__

    display_name: Annotated[str | None, Required.true, CaseExact.true, Uniqueness.server] = None
    """The name; `groups` of the IdentityProvider says what it means here."""
    members: list[Inside] | None = None
    """The people in it."""

    Members: ClassVar[type[ComplexAttribute]] = Inside


def user_of(found: Provisioned, base: str) -> User:
    """The person as the provider reads them."""
    return User.model_validate({
        **json.loads(found.resource), "id": found.id, "userName": found.name,
        **({"externalId": found.external_id} if found.external_id else {}),
        "meta": _meta("User", found, f"{base}/Users/{found.id}"),
    })


def wish_of(user: User) -> Wish:
    """What the provider wants of a person; who is not said to be inactive is active."""
    said = user.model_dump()
    kept = {name: said[name] for name in ("name", "displayName", "emails", "active") if name in said}
    return Wish(user.user_name or "", user.external_id or "", user.active is not False, json.dumps(kept))


def group_of(found: Held, members: Sequence[Member], base: str) -> Group:
    """The group as the provider reads it."""
    return Group.model_validate({
        "id": found.id, "displayName": found.name,
        **({"externalId": found.external_id} if found.external_id else {}),
        **({"members": [
            {"value": one.id, "type": "User", "$ref": f"{base}/Users/{one.id}"} for one in members
        ]} if members else {}),
        "meta": _meta("Group", found, f"{base}/Groups/{found.id}"),
    })


def wanted_of(group: Group) -> Wanted:
    """What the provider wants of a group."""
    return Wanted(group.display_name or "", group.external_id or "", frozenset(
        one.value for one in group.members or () if one.value))


def changed(model: type[User] | type[Group], before: Any, method: str, body: bytes) -> Any:
    """The resource after a PUT or PATCH; ValidationError, SCIMException or InputInvalid."""
    if method == "PATCH":
        _patched(model, before, body)
        return before
    after = model.model_validate_json(body, scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST)
    after.replace(before)
    return after


def _patched(model: type[User] | type[Group], resource: Any, body: bytes) -> None:
    """Carry a PATCH out on the resource; ValidationError, SCIMException or InputInvalid."""
    said = _read(body)
    operations = said.get("Operations") if isinstance(said, dict) else None
    if isinstance(operations, list):
        if len(operations) > MOST_OPERATIONS:
            raise InputInvalid(f"more than {MOST_OPERATIONS} operations at once", hint="send several requests")
        for one in operations:
            if isinstance(one, dict) and not one.get("path") and isinstance(one.get("value"), dict):
                one["value"] = {name: value for name, value in one["value"].items() if name not in _OURS}
        if model is Group:
            said["Operations"] = operations = _together(operations)
            if len(operations) > MOST_OF_A_GROUP:
                raise InputInvalid(f"more than {MOST_OF_A_GROUP} changes of a group at once",
                                   hint="name several members in one operation")
    message: Any = PatchOp[model].model_validate(said, scim_ctx=Context.RESOURCE_PATCH_REQUEST)  # type: ignore[valid-type]
    message.patch(resource)


def _together(operations: Sequence[Any]) -> list[Any]:
    """The same with removals of members that follow each other as one: each looks at everybody in the group."""
    made: list[Any] = []
    for one in operations:
        path = one.get("path") if isinstance(one, dict) and str(one.get("op")).lower() == "remove" else None
        found = _MEMBER.fullmatch(path) if isinstance(path, str) else None
        if found is None:
            made.append(one)
        elif made and isinstance(made[-1], _Removal):
            made[-1]["value"].append({"value": found[1]})
        else:
            made.append(_Removal(op="remove", path="members", value=[{"value": found[1]}]))
    return made


def asked(model: type[User] | type[Group], query: Mapping[str, str]) -> Any:
    """The SearchRequest that a query string is; ValidationError."""
    return _searched(model, {name: value for name, value in query.items() if name in (
        "filter", "sortBy", "sortOrder", "startIndex", "count", "attributes", "excludedAttributes")})


def searched(model: type[User] | type[Group], body: bytes) -> Any:
    """The SearchRequest that a body is; ValidationError or InputInvalid."""
    return _searched(model, _read(body))


def _searched(model: type[User] | type[Group], said: Any) -> Any:
    wanted = said.get("filter") if isinstance(said, dict) else None
    if isinstance(wanted, str) and len(wanted) > MOST_FILTER:
        raise InputInvalid(f"a filter has {MOST_FILTER} characters at most")
    return SearchRequest[model].model_validate(said, scim_ctx=Context.SEARCH_REQUEST)  # type: ignore[valid-type]


def listed(model: type[Any], found: Sequence[Any], total: int, start: int, parameters: Any = None) -> str:
    """A ListResponse as JSON."""
    message: Any = ListResponse[model](     # type: ignore[valid-type]
        total_results=total, start_index=start, items_per_page=len(found), resources=list(found))
    return str(message.model_dump_json(scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=parameters))


def config(base: str) -> ServiceProviderConfig:
    """What of SCIM is served."""
    return ServiceProviderConfig.model_validate({
        "documentationUri": "https://www.rfc-editor.org/rfc/rfc7644", "patch": {"supported": True},
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": MOST_PAGE}, "changePassword": {"supported": False},
        "sort": {"supported": True}, "etag": {"supported": True},
        "pagination": {"cursor": False, "index": True, "defaultPaginationMethod": "index", "defaultPageSize": PAGE,
                       "maxPageSize": MOST_PAGE},
        "authenticationSchemes": [{
            "type": "oauthbearertoken", "name": "API key", "description": "an API key as a bearer token",
            "specUri": "https://www.rfc-editor.org/rfc/rfc6750", "primary": True}],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{base}/ServiceProviderConfig"},
    })


def described(what: str, base: str, query: Mapping[str, str]) -> str:
    """All schemas or resource types, as JSON. Refused with a filter (RFC 7644, 4)."""
    if "filter" in query:
        raise ForbiddenException(detail="this is not filtered")
    found = _described(what, base)
    return listed(type(found[0]), found, len(found), 1)


def described_one(what: str, ident: str, base: str) -> str:
    """One of them; NotFound."""
    found = next((one for one in _described(what, base) if one.id == ident), None)
    if found is None:
        raise NotFound(f"there is none of that name; /{what} lists them")
    return str(found.model_dump_json(scim_ctx=Context.RESOURCE_QUERY_RESPONSE))


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as cause:
        raise InputInvalid("the body is no JSON") from cause


def _described(what: str, base: str) -> list[Any]:
    told, kind = ScimProvider(models=[User, Group]), "Schema" if what == "Schemas" else "ResourceType"
    return [
        one.model_copy(update={"meta": Meta(resource_type=kind, location=f"{base}/{what}/{one.id}")})
        for one in (told.schemas if kind == "Schema" else told.resource_types)
    ]


def _meta(kind: str, found: Provisioned | Held, location: str) -> dict[str, object]:
    return {
        "resourceType": kind, "created": _moment(found.created_at), "lastModified": _moment(found.changed_at),
        "location": location, "version": f'W/"{found.version}"',
    }


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)
