"""How large the benchmarks are: as the budgets say, or tiny, to see that they run."""

from __future__ import annotations

from typing import NamedTuple


class Size(NamedTuple):
    """Every number that bounds a benchmark."""

    customers: int = 100
    sites: int = 4                      # of each customer
    per_site: int = 25                  # devices
    files: int = 3_000
    rules: int = 300                    # of the files, those of the organisation
    pushes: int = 10                    # of each sort
    agents: int = 1_000                 # simulated
    real: int = 30                      # agents of their own, each a process
    rivals: int = 20                    # real agents of ours, and as many of each other program
    programs: str = ""                  # a folder where these are kept between two runs; empty: they are not
    rows: int = 50_000                  # devices in `guru top`
    ordered: int = 10_000               # simulated agents that one job is for
    converge_limit: float = 120.0       # seconds
    runs: int = 7                       # of each command
    heartbeats: int = 100_000
    idle: float = 300.0                 # seconds of a real agent
    settle: float = 20.0                # seconds before idleness counts
    transfer: int = 100                 # MB of a large file

    @property
    def devices(self) -> int:
        """Of the whole fleet."""
        return self.customers * self.sites * self.per_site

    @property
    def grown(self) -> Size:
        """Ten times the customers and files, and about as many devices."""
        return self._replace(
            customers=10 * self.customers, files=10 * self.files, sites=max(1, self.sites // 2),
            per_site=max(1, self.per_site // 5), pushes=min(3, self.pushes),
        )


FULL = Size()
TINY = Size(
    customers=2, sites=1, per_site=3, files=20, rules=5, pushes=1, agents=3, real=1, rivals=1, rows=50, ordered=3,
    runs=1, heartbeats=10_000, idle=1.0, settle=0.5, transfer=1,
)
