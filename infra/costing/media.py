"""What a minute of media costs on Parley's own workers, by how many calls there are.

Compute is Fargate's, bought by the task: few calls pay for tasks that wait, many share
them. How many calls a task takes is measured (bench/results) where a bench has run, and
else assumed, and says so.
"""

import json
import math
from dataclasses import dataclass

from infra import wiring
from infra.costing.floor import HOURS, MEDIA_FLOOR
from infra.costing.prices import (
    ADDRESS_HOUR,
    FARGATE_GB_HOUR,
    FARGATE_VCPU_HOUR,
    INTERNET_GB,
)
from infra.costing.tally import Line

CALLS = (10, 100, 1_000)
"""At the same time, all day."""
FILLED = 0.7
"""Of what was measured, that a task is given: the rest is for peaks."""
RESULTS = wiring.ROOT / "bench" / "results" / "phones" / "report.json"
MEASURED_SLUG = "sip_vad_calls_per_core"
PACKETS_A_SECOND = 50
HEADER_BYTES = 20 + 8 + 12
"""IP, UDP and RTP."""
SRTP_BYTES = 10
RECOGNISER_SHARE = 0.035
"""Of a core, while somebody speaks: measured of Moonshine tiny by itself."""
SPEAKING = 0.5
"""How much of a call the person speaks."""
OPUS_SHARE = 0.014
"""Of a core, a call: the goal of the bench, not measured yet."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of call at a worker."""

    name: str
    calls_a_task: int
    payload_bytes: int
    """In one packet that the worker sends."""
    is_encrypted: bool
    basis: str
    """Where ``calls_a_task`` is from."""

    @property
    def egress_gb_a_minute(self) -> float:
        """To the internet; what comes in is free."""
        secured = SRTP_BYTES if self.is_encrypted else 0
        packet = HEADER_BYTES + secured + self.payload_bytes
        return packet * PACKETS_A_SECOND * 60 / 10**9

    def tasks(self, calls: int) -> int:
        return max(wiring.WORKER.least, math.ceil(calls / self.calls_a_task))

    def usd_a_minute(self, calls: int) -> float:
        """A call's minute when there are so many, all day."""
        extra = self.tasks(calls) - wiring.WORKER.least
        month = sum(line.usd for line in (*MEDIA_FLOOR, *task_month(extra)))
        compute = month / (HOURS * 60 * calls)
        return compute + INTERNET_GB.usd_of(self.egress_gb_a_minute)


def task_month(tasks: float) -> tuple[Line, ...]:
    """Workers, and the address that each has."""
    worker = wiring.WORKER
    memory_gb = worker.memory_mb / 1024
    return (
        Line(FARGATE_VCPU_HOUR, "workers", tasks * worker.vcpus * HOURS),
        Line(FARGATE_GB_HOUR, "workers", tasks * memory_gb * HOURS),
        Line(ADDRESS_HOUR, "workers' addresses", tasks * HOURS),
    )


def measured_calls() -> int:
    """Phone calls with voice detection that one core carried, in the last bench."""
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"]
    (row,) = (one for one in rows if one["slug"] == MEASURED_SLUG)
    return int(row["measured"])


def _filled(calls: float) -> int:
    """Of so many, as a task is given them."""
    return math.floor(calls * FILLED + 1e-6)


def kinds() -> tuple[Kind, ...]:
    cores = wiring.WORKER.vcpus
    measured = measured_calls()
    agent_share = 1 / measured + RECOGNISER_SHARE * SPEAKING
    return (
        Kind(
            "phone, G.711, heard by your application",
            _filled(measured * cores),
            160,
            False,
            f"measured: {measured} on a core",
        ),
        Kind(
            "phone agent, speech on the worker itself",
            _filled(cores / agent_share),
            160,
            False,
            f"derived: the recogniser takes {RECOGNISER_SHARE:.1%} of a core while "
            f"somebody speaks, {SPEAKING:.0%} of the time",
        ),
        Kind(
            "browser, Opus 24 kbit/s",
            _filled(cores / OPUS_SHARE),
            60,
            True,
            f"assumed: {OPUS_SHARE:.1%} of a core a call, the bench's goal",
        ),
    )
