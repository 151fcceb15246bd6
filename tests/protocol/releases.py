"""Messages of releases that are out there, and a release that is still to come."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from chalicelib.protocol import envelope

RECORDED = Path(__file__).parent / "recorded"


def recorded(version: int = 1) -> dict[str, Any]:
    """By their names, as the last release of that version wrote them."""
    messages: dict[str, Any] = json.loads((RECORDED / f"v{version}.json").read_text())
    return messages


def _renamed(old: str, new: str) -> envelope.Cast:
    def cast(value: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**{k: v for k, v in value.items() if k != old}, new: value[old]}

    return cast


def come_to_version_2(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if version 1 had called some fields otherwise than they are called now."""
    names = {
        "lease": ("host_port", "address"),
        "neighbour": ("host_port", "address"),
        "heartbeat": ("commands", "orders"),
        "facts": ("told", "facts"),
        "witness": ("seen", "sight"),
        "worker.drain": ("until_ms", "deadline_at_ms"),
        "session.end": ("why", "reason"),
        "session.started": ("user", "uid"),
        "relay.gone": ("was_clean", "is_clean"),
        "doorbell": ("number", "seq"),
        "redelivery": ("number", "seq"),
    }
    monkeypatch.setattr(envelope, "CURRENT", 2)
    monkeypatch.setattr(
        envelope,
        "UPCASTS",
        {(kind, 1): _renamed(old, new) for kind, (old, new) in names.items()},
    )
    monkeypatch.setattr(
        envelope,
        "DOWNCASTS",
        {(kind, 2): _renamed(new, old) for kind, (old, new) in names.items()},
    )
