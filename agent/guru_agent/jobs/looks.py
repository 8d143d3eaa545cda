"""The looks that an order may name: fixed in code, so that nobody can make one up. They change nothing."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from guru_agent.jobs.runner import Look
from guru_agent.state.desired import Desired
from guru_policy.errors import NotFound
from guru_policy.host import Host


def looks(desired: Desired) -> Mapping[str, Look]:
    """Every look, by the name that orders use."""

    async def vpn(host: Host, about: str) -> str:
        """The VPN profiles of this device, or the one that is named, looked at: a Looked of each as JSON."""
        from guru_policy.resources.vpn.diagnosing import diagnose
        from guru_policy.resources.vpn_profile import VpnProfile

        placed = desired.current.bundle.resources if desired.current else ()
        profiles = [VpnProfile.model_validate_json(orjson.dumps({**one.spec, "kind": one.kind}))
                    for one in placed if one.kind == "vpn_profile"]
        chosen = [one for one in profiles if about in ("", one.name) and one.ensure == "present"]
        if not chosen:
            known = ", ".join(one.name for one in profiles)
            raise NotFound(f"this device has no VPN profile {about}; it has {known}" if known else
                           "no policy gives this device a VPN profile")
        found = [(await diagnose(host, one)).model_dump(mode="json") for one in chosen]
        return orjson.dumps({"profiles": found}).decode()

    return {"vpn": vpn}
