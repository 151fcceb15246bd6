"""Functions and a table that a test can talk to in few words."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from infra import wiring
from infra.laptop.clients import client
from infra.laptop.handlers import Handler


class FakeClock:
    """Stands still until it is set forward."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds

    def in_seconds(self, seconds: float) -> str:
        """That time as a timestamp with milliseconds."""
        at = datetime.fromtimestamp(self.now + seconds, UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class FakeFunctions:
    """Does nothing but what a test puts into ``code``, and keeps every event."""

    def __init__(self) -> None:
        self.code: dict[str, Handler] = {}
        self.events: dict[str, list[Any]] = {}

    def clear(self) -> None:
        self.code.clear()
        self.events.clear()

    def handlers(self) -> dict[str, Handler]:
        return {function.name: self._of(function.name) for function in wiring.FUNCTIONS}

    def _of(self, name: str) -> Handler:
        def handler(event: Any, context: Any) -> Any:
            self.events.setdefault(name, []).append(event)
            code = self.code.get(name)
            return code(event, context) if code else None

        return handler

    def records(self) -> list[Any]:
        """Every record that the outbox function has been given, repeats included."""
        batches = self.events.get(wiring.OUTBOX.name, [])
        return [record for event in batches for record in event["Records"]]


class Table:
    """The wiring's table, in few words."""

    name = wiring.TABLE.name

    def __init__(self) -> None:
        self.client = client("dynamodb")

    def put(self, pk: str, sk: str, **attributes: Any) -> None:
        self.client.put_item(TableName=self.name, Item=item(pk, sk, **attributes))

    def due(self, shard: str, **page: Any) -> Any:
        """One page of the wiring's index: what is due in the shard, in order."""
        index = wiring.WAKE_INDEX
        return self.client.query(
            TableName=self.name,
            IndexName=index.name,
            KeyConditionExpression=f"{index.partition_key} = :shard",
            ExpressionAttributeValues={":shard": {"S": shard}},
            **page,
        )

    def get(self, pk: str, sk: str) -> Any:
        answer = self.client.get_item(TableName=self.name, Key=item(pk, sk))
        return answer.get("Item")


def item(pk: str, sk: str, **attributes: Any) -> dict[str, Any]:
    return {
        "pk": {"S": pk},
        "sk": {"S": sk},
        **{
            name: {"N": str(value)} if isinstance(value, int) else {"S": value}
            for name, value in attributes.items()
        },
    }


def wait_until(condition: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < ends_at, "waited in vain"
        time.sleep(0.02)
