"""What DynamoDB is asked for a restored table, and what it does not bring back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from infra.wiring import TABLE

POLL_SECONDS = 10.0
LONGEST_SECONDS = 6 * 3600
ACTIVE = "ACTIVE"


class RestoreFailed(Exception):
    """One sentence that says what is in the way."""


@dataclass(frozen=True, slots=True)
class Window:
    """Between which moments a table can be brought back."""

    earliest: datetime
    latest: datetime

    def check(self, at: datetime | None) -> None:
        """Raises `RestoreFailed` for a moment outside; None is the latest."""
        if at is not None and not self.earliest <= at <= self.latest:
            raise RestoreFailed(
                f"{at.isoformat()} is not between {self.earliest.isoformat()} and "
                f"{self.latest.isoformat()}, the moments that can be restored"
            )


@dataclass(frozen=True, slots=True)
class Tables:
    """DynamoDB, as boto3's client of it."""

    client: Any
    now: Callable[[], float]
    """Monotonic seconds."""
    sleep: Callable[[float], None]

    def window(self, source: str) -> Window:
        """Raises `RestoreFailed` unless recovery is on."""
        found = self.client.describe_continuous_backups(TableName=source)
        recovery = found["ContinuousBackupsDescription"][
            "PointInTimeRecoveryDescription"
        ]
        if recovery["PointInTimeRecoveryStatus"] != "ENABLED":
            raise RestoreFailed(f"point-in-time recovery of {source} is off")
        return Window(
            recovery["EarliestRestorableDateTime"].astimezone(UTC),
            recovery["LatestRestorableDateTime"].astimezone(UTC),
        )

    def is_there(self, name: str) -> bool:
        try:
            self.client.describe_table(TableName=name)
        except self.client.exceptions.ResourceNotFoundException:
            return False
        return True

    def restore(self, source: str, target: str, at: datetime | None) -> float:
        """Seconds until it is there; raises `RestoreFailed`."""
        began = self.now()
        moment = {"RestoreDateTime": at} if at else {"UseLatestRestorableTime": True}
        self.client.restore_table_to_point_in_time(
            SourceTableName=source, TargetTableName=target, **moment
        )
        while self._status(target) != ACTIVE:
            if self.now() - began > LONGEST_SECONDS:
                raise RestoreFailed(f"{target} is not there after six hours")
            self.sleep(POLL_SECONDS)
        return self.now() - began

    def complete(self, target: str) -> str:
        """Turn on what a restored table lacks; the ARN of its stream."""
        self.client.update_time_to_live(
            TableName=target,
            TimeToLiveSpecification={
                "Enabled": True,
                "AttributeName": TABLE.ttl_attribute,
            },
        )
        self.client.update_continuous_backups(
            TableName=target,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )
        answer = self.client.update_table(
            TableName=target,
            StreamSpecification={
                "StreamEnabled": True,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
            DeletionProtectionEnabled=True,
        )
        arn: str = answer["TableDescription"]["LatestStreamArn"]
        return arn

    def _status(self, name: str) -> str:
        table = self.client.describe_table(TableName=name)["Table"]
        indexes = table.get("GlobalSecondaryIndexes", ())
        states = {table["TableStatus"], *(one["IndexStatus"] for one in indexes)}
        return ACTIVE if states == {ACTIVE} else "CREATING"
