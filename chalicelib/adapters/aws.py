"""EventBridge and Step Functions, through botocore."""

import json
from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.adapters.dynamodb.failures import THROTTLES
from chalicelib.protocol.control import Doorbell, Redelivery
from chalicelib.services.ports import Throttled

MAX_ENTRIES = 10
"""Of one PutEvents request."""
TOKEN_LETTERS = 12
"""An execution's name has 80 letters, for all three of its parts."""


class EventBridgeBus:
    """An `EventBus`."""

    def __init__(self, client: Any, bus: str, source: str) -> None:
        self._client = client
        self._bus = bus
        self._source = source

    def publish(self, doorbells: Iterable[Doorbell]) -> list[int]:
        entries = [self._entry(doorbell) for doorbell in doorbells]
        failed: list[int] = []
        for start in range(0, len(entries), MAX_ENTRIES):
            answer = self._client.put_events(
                Entries=entries[start : start + MAX_ENTRIES]
            )
            if answer.get("FailedEntryCount"):
                failed += (
                    start + place
                    for place, entry in enumerate(answer["Entries"])
                    if entry.get("ErrorCode")
                )
        return failed

    def _entry(self, doorbell: Doorbell) -> dict[str, str]:
        return {
            "EventBusName": self._bus,
            "Source": self._source,
            "DetailType": doorbell.type,
            "Detail": json.dumps(doorbell.render(), ensure_ascii=False),
        }


class StepFunctionsRetries:
    """A `RetryMachine`: one execution per webhook, endpoint and token."""

    def __init__(self, client: Any, machine_arn: str) -> None:
        self._client = client
        self._machine_arn = machine_arn

    def start(self, redelivery: Redelivery, token: str = "") -> None:
        webhook_id, endpoint_id = redelivery.webhook_id, redelivery.endpoint_id
        parts = (webhook_id, endpoint_id, token[:TOKEN_LETTERS])
        try:
            self._client.start_execution(
                stateMachineArn=self._machine_arn,
                name="-".join(filter(None, parts)),
                input=json.dumps(redelivery.render()),
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in THROTTLES:
                raise Throttled(code) from error
            if code != "ExecutionAlreadyExists":
                raise
