"""What a committed write did to one item."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Change:
    """One item that a committed write changed."""

    table: str
    keys: Mapping[str, Any]
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    by_ttl: bool = False
    """Removed by DynamoDB itself because its time had passed."""
