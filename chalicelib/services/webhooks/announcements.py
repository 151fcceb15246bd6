"""What became of an endpoint, as an event of a story of its own."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from chalicelib.services.ports import OutboxEvent


def announcement(
    tenant: str, event_type: str, data: Mapping[str, Any], at_ms: int
) -> OutboxEvent:
    """Its address is among those of calls, no id of which has a slash."""
    story = f"webhook/{data['endpoint_id']}/{at_ms}"
    told = json.dumps([tenant, story, event_type, data], sort_keys=True)
    return OutboxEvent(
        tenant=tenant,
        call_id=story,
        seq=1,
        event_id=hashlib.sha256(told.encode()).hexdigest()[:32],
        type=event_type,
        at_ms=at_ms,
        data=data,
    )
