"""The argument that names a job, spelt the same in every verb."""

from __future__ import annotations

from typing import Annotated

import typer

JobRef = Annotated[str, typer.Argument(
    metavar="JOB", help="Its id, or the first digits of it.", show_default=False)]
