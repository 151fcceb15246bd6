"""Answers of repeated requests, kept in DynamoDB."""

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.services.ports import Clock, Draws
from chalicelib.services.repetition import Reply
from chalicelib.services.vault import Vault


@dataclass(frozen=True, slots=True)
class StoredRepetitions:
    """`Repetitions`: what they are kept in, and by."""

    table: type[Row]
    vault: Vault
    """Answers hold what is shown once."""
    clock: Clock
    draws: Draws

    def once(self, key: str, fingerprint: str, act: Callable[[], Reply]) -> Reply:
        # Powertools brings boto3: only a request that bears a key waits for it.
        from chalicelib.adapters import idempotency

        return idempotency.once(self, key, fingerprint, act)
