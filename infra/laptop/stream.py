"""The table's stream, poured into functions as Lambda's own poller does it."""

import itertools
import json
import logging
import queue
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from infra.laptop import attributes
from infra.laptop.environment import REGION
from infra.laptop.filters import matches_any
from infra.laptop.functions import Functions
from infra.laptop.observation import Change
from infra.laptop.outstanding import Outstanding
from infra.laptop.runtime import Answer
from infra.parts import StreamMapping

logger = logging.getLogger(__name__)

Record = Mapping[str, Any]

FIRST_SEQUENCE_NUMBER = 100_000_000_000_000_000_000_001
SLOWEST_RETRY_SECONDS = 1.0
BY_TTL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}

_sequence = itertools.count(FIRST_SEQUENCE_NUMBER)


def record_of(change: Change, now_seconds: float) -> dict[str, Any]:
    """The change as a record of a stream of both images."""
    images = {"OldImage": change.old, "NewImage": change.new}
    record: dict[str, Any] = {
        "eventID": uuid.uuid4().hex,
        "eventName": _event_name(change),
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": {
            "ApproximateCreationDateTime": int(now_seconds),
            "Keys": change.keys,
            **{name: image for name, image in images.items() if image is not None},
            "SequenceNumber": str(next(_sequence)),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }
    if change.by_ttl:
        record["userIdentity"] = BY_TTL
    record["dynamodb"]["SizeBytes"] = len(attributes.render(images))
    return record


def first_failed(records: Sequence[Record], answer: Answer) -> int | None:
    """The index from which the batch has to be delivered again; None when taken.

    An answer that names no record of the batch fails the whole of it.
    """
    if answer.error:
        return 0
    body = json.loads(answer.payload)
    failures = body.get("batchItemFailures") if isinstance(body, dict) else None
    if not failures:
        return None
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    failed = [failure.get("itemIdentifier") for failure in failures]
    if any(identifier not in numbers for identifier in failed):
        return 0
    return min(numbers.index(identifier) for identifier in failed)


class Poller:
    """Delivers one mapping's records, in their order, in one thread.

    A failed batch is halved until the poisonous record stands alone; that one is
    tried as often as the mapping says, then given up, and the rest goes on.
    """

    def __init__(
        self,
        mapping: StreamMapping,
        functions: Functions,
        outstanding: Outstanding,
        now_seconds: Callable[[], float],
        retry_seconds: float,
    ) -> None:
        self._mapping = mapping
        self._functions = functions
        self._outstanding = outstanding
        self._now_seconds = now_seconds
        self._retry_seconds = retry_seconds
        self._records: queue.SimpleQueue[Record | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name=f"stream-{mapping.function}", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def offer(self, record: Record) -> None:
        """Take the record if one of the mapping's filters lets it pass."""
        if matches_any(self._mapping.filters, record):
            self._outstanding.began()
            self._records.put(record)

    def stop(self, timeout_seconds: float) -> None:
        self._stopped.set()
        self._records.put(None)
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while not self._stopped.is_set():
            batch = self._next_batch()
            try:
                self._deliver(batch)
            except Exception:
                logger.exception("a batch was lost")
            finally:
                self._outstanding.ended(len(batch))

    def _next_batch(self) -> list[Record]:
        """Waits for one record, then takes what else is there."""
        batch = [self._records.get()]
        while len(batch) < self._mapping.batch_size and not self._records.empty():
            batch.append(self._records.get())
        return [record for record in batch if record is not None]

    def _deliver(self, batch: list[Record]) -> None:
        parts = [batch] if batch else []
        while parts and not self._stopped.is_set():
            part = parts.pop(0)
            failed = self._invoke(part)
            if failed is None:
                continue
            rest = part[failed:]
            if len(rest) == 1:
                self._insist(rest[0])
            elif failed:
                parts.insert(0, rest)
            else:
                middle = len(rest) // 2
                parts[:0] = [rest[:middle], rest[middle:]]

    def _insist(self, record: Record) -> None:
        """Try a record that has failed alone until it is taken or given up."""
        for attempt in range(self._mapping.retry_attempts):
            wait = min(self._retry_seconds * 2**attempt, SLOWEST_RETRY_SECONDS)
            if self._stopped.wait(wait) or self._is_too_old(record):
                break
            if self._invoke([record]) is None:
                return
        logger.error(
            "record given up",
            extra={
                "function": self._mapping.function,
                "keys": record["dynamodb"]["Keys"],
            },
        )

    def _invoke(self, records: Sequence[Record]) -> int | None:
        payload = attributes.render({"Records": records}).encode()
        answer = self._functions.invoke(self._mapping.function, payload)
        return first_failed(records, answer)

    def _is_too_old(self, record: Record) -> bool:
        age = self._now_seconds() - record["dynamodb"]["ApproximateCreationDateTime"]
        return bool(age > self._mapping.max_record_age_seconds)


def _event_name(change: Change) -> str:
    if change.old is None:
        return "INSERT"
    return "REMOVE" if change.new is None else "MODIFY"
