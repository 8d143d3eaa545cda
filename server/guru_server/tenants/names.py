"""What may be a tenant's name: it stands in addresses, in folders and in every row."""

from __future__ import annotations

import re

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
