"""DynamoDB stream -> EventBridge: every event of a commit is told on the bus."""

import logging
from typing import Any

from chalicelib import bootstrap, logs
from chalicelib.adapters.dynamodb import bodies
from chalicelib.protocol.control import Doorbell

bootstrap.prepare("bus")

log = logging.getLogger(__name__)


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answers with the records that were not taken, for Lambda to send again.

    A record that cannot be read is told to the log and left behind: it would stop
    all that stand after it in its shard.
    """
    logs.configure()
    places: list[str] = []
    doorbells: list[Doorbell] = []
    for record in event["Records"]:
        doorbell = _doorbell(record)
        if doorbell is not None:
            places.append(record["dynamodb"]["SequenceNumber"])
            doorbells.append(doorbell)
    failed = bootstrap.event_bus().publish(doorbells)
    return {
        "batchItemFailures": [{"itemIdentifier": places[place]} for place in failed]
    }


def _doorbell(record: dict[str, Any]) -> Doorbell | None:
    try:
        body = record["dynamodb"]["NewImage"]["body"]["S"]
        return bodies.parse_event(body).doorbell
    except (KeyError, TypeError, ValueError) as error:
        log.error(
            "an outbox record cannot be read",
            extra={
                "sequence_number": record.get("dynamodb", {}).get("SequenceNumber"),
                "error": type(error).__name__,
            },
        )
        return None
