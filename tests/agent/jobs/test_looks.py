"""The looks that an order can name: what a device says that has nothing to look at."""

from __future__ import annotations

import pytest

from guru_agent.host import open_host
from guru_agent.jobs.looks import looks
from guru_policy.errors import NotFound
from tests.agent.conftest import Parts


@pytest.mark.parametrize("about", ["", "office"])
async def test_a_device_without_a_vpn_profile_says_that_no_policy_gives_it_one(parts: Parts, about: str) -> None:
    with pytest.raises(NotFound, match="no policy gives this device a VPN profile"):
        await looks(parts.desired)["vpn"](open_host(), about)
