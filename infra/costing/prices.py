"""List prices of us-east-1, without any free tier, discount or tier for volume.

Compute is Lambda's on arm64, DynamoDB is on demand with the standard table class.
"""

from dataclasses import dataclass

GIB = 2**30
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """What ``per`` units of something cost."""

    service: str
    unit: str
    """In the singular: ``request``, ``GB-second`` …"""
    usd: float
    per: int
    taken_on: str
    """The day on which the price was written down, ISO 8601."""

    def usd_of(self, amount: float) -> float:
        return amount * self.usd / self.per

    def __str__(self) -> str:
        per = {1: "", 1_000: "1k ", 10_000: "10k ", MILLION: "M "}[self.per]
        return f"${self.usd:.10f}".rstrip("0").rstrip(".") + f" / {per}{self.unit}"


HTTP_API_REQUEST = Price("API Gateway", "request", 1.00, MILLION, "2026-11-21")
"""HTTP API; a request counts once for each 512 KB of its body."""

LAMBDA_REQUEST = Price("Lambda", "request", 0.20, MILLION, "2026-11-21")
LAMBDA_GB_SECOND = Price("Lambda", "GB-s", 0.0000133334, 1, "2026-11-21")

WRITE_UNIT = Price("DynamoDB", "WRU", 0.625, MILLION, "2026-11-21")
READ_UNIT = Price("DynamoDB", "RRU", 0.125, MILLION, "2026-11-21")
TABLE_GB_MONTH = Price("DynamoDB", "GB-month", 0.25, 1, "2026-11-21")
BACKUP_GB_MONTH = Price("DynamoDB", "GB-month", 0.20, 1, "2026-11-21")
"""Point-in-time recovery."""

BUS_EVENT = Price("EventBridge", "event", 1.00, MILLION, "2026-11-21")
"""A custom event, once for each 64 KB; rules and targets of the account are free."""

STANDARD_TRANSITION = Price(
    "Step Functions", "transition", 25.00, MILLION, "2026-11-21"
)
EXPRESS_REQUEST = Price("Step Functions", "request", 1.00, MILLION, "2026-11-21")
EXPRESS_GB_SECOND = Price("Step Functions", "GB-s", 0.00001667, 1, "2026-11-21")

QUEUE_REQUEST = Price("SQS", "request", 0.40, MILLION, "2026-11-21")
"""Of a standard queue, once for each 64 KB."""

SECRET_REQUEST = Price("Secrets Manager", "request", 0.05, 10_000, "2026-11-21")
SECRET_MONTH = Price("Secrets Manager", "month", 0.40, 1, "2026-11-21")

KEY_MONTH = Price("KMS", "month", 1.00, 1, "2026-11-21")
"""A customer's symmetric key, and as much again for each of its first two yearly
rotations; its requests are few, for what was opened is kept."""

LOG_GB = Price("CloudWatch", "GB", 0.50, 1, "2026-11-21")
"""Taken in, uncompressed; the gateway's access log costs the same."""
LOG_GB_MONTH = Price("CloudWatch", "GB-month", 0.03, 1, "2026-11-21")
"""Kept, compressed."""
ALARM_MONTH = Price("CloudWatch", "month", 0.10, 1, "2026-11-21")
"""One metric at the resolution of a minute."""

INTERNET_GB = Price("Data transfer", "GB", 0.09, 1, "2026-11-21")
"""Out of AWS to the internet."""

FARGATE_VCPU_HOUR = Price("Fargate", "vCPU-hour", 0.03238, 1, "2026-11-21")
"""Linux on arm64, as is the next; x86_64 costs a quarter more."""
FARGATE_GB_HOUR = Price("Fargate", "GB-hour", 0.00356, 1, "2026-11-21")
ADDRESS_HOUR = Price("VPC", "address-hour", 0.005, 1, "2026-11-21")
"""Of any public IPv4 address: a task's, a load balancer's, an Elastic IP in use."""
NAT_HOUR = Price("VPC", "hour", 0.045, 1, "2026-11-21")
"""Of a NAT gateway; each GB through it costs as much again."""
BALANCER_HOUR = Price("Load balancing", "hour", 0.0225, 1, "2026-11-21")
"""Of an ALB or an NLB, without the capacity units of its traffic."""
BALANCER_UNIT_HOUR = Price("Load balancing", "LCU-hour", 0.008, 1, "2026-11-21")
"""Of an ALB: 1 GB, or 3,000 connections, in an hour."""
ZONE_MONTH = Price("Route 53", "month", 0.50, 1, "2026-11-21")
"""A hosted zone, private ones too."""
INSTANCE_MONTH = Price("Cloud Map", "month", 0.10, 1, "2026-11-21")
"""A task that is registered."""
METRIC_MONTH = Price("CloudWatch", "month", 0.30, 1, "2026-11-21")
"""A custom metric."""
DASHBOARD_MONTH = Price("CloudWatch", "month", 3.00, 1, "2026-11-21")
