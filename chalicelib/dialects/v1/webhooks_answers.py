"""Webhook endpoints as answers show them; a secret in the one that tells it."""

from typing import Any

from chalicelib.dialects.v1 import wire
from chalicelib.domain.endpoints import Standing
from chalicelib.protocol.session import instants
from chalicelib.services.webhooks.attempt_log import Page
from chalicelib.services.webhooks.ports import Failure
from chalicelib.services.webhooks.replays import Replay
from chalicelib.services.webhooks.tallies import Tally
from chalicelib.services.webhooks.trials import Tested


def render(standing: Standing, now_ms: int) -> dict[str, Any]:
    endpoint, health = standing.endpoint, standing.health
    is_rotating = len(endpoint.secrets(now_ms)) > 1
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "events": list(endpoint.events),
        "description": endpoint.description,
        "timeout_seconds": endpoint.timeout_seconds,
        "status": "enabled" if standing.is_enabled else "disabled",
        "disabled_because": health.disabled and health.disabled.value,
        "failing_since": _instant_or_none(health.failing_since_ms),
        "source": "environment" if endpoint.is_of_environment else "api",
        "created_at": _instant_or_none(endpoint.created_at_ms),
        "updated_at": _instant_or_none(endpoint.updated_at_ms),
        "rotating_until": _instant_or_none(endpoint.previous_until_ms * is_rotating),
    }


def render_with_secret(standing: Standing, now_ms: int) -> dict[str, Any]:
    """For the one answer that shows it."""
    return {**render(standing, now_ms), "secret": standing.endpoint.secret}


def render_list(standings: tuple[Standing, ...], now_ms: int) -> dict[str, Any]:
    """All on one page: they are few."""
    return wire.page("endpoints", [render(one, now_ms) for one in standings], "")


def render_test(tested: Tested) -> dict[str, Any]:
    return {
        "webhook_id": tested.webhook_id,
        "status": tested.status,
        "error": tested.error or None,
        "duration_ms": tested.duration_ms,
        "delivered": tested.is_delivered,
    }


def render_attempts(page: Page) -> dict[str, Any]:
    attempts = [_render_attempt(one) for one in page.attempts]
    return wire.page("attempts", attempts, page.following)


def _render_attempt(made: Failure) -> dict[str, Any]:
    attempt = made.attempt
    return {
        "webhook_id": attempt.webhook_id,
        "call_id": made.call_id,
        "type": attempt.type,
        "seq": attempt.seq,
        "attempt": attempt.number,
        "at": instants.render(attempt.at_ms),
        "duration_ms": attempt.duration_ms,
        "status": attempt.status,
        "error": attempt.error or None,
        "delivered": attempt.is_taken,
        "given_up": made.is_given_up,
    }


def render_replay(replay: Replay) -> dict[str, Any]:
    return {"replay_id": replay.id, "webhooks": replay.webhooks}


def render_stats(tally: Tally, standings: tuple[Standing, ...]) -> dict[str, Any]:
    return {
        "webhooks": {
            "told": tally.told,
            "delivered": tally.delivered,
            "given_up": tally.given_up,
            "failed_attempts": dict(tally.failures),
        },
        "endpoints": [_render_health(standing) for standing in standings],
    }


def _render_health(standing: Standing) -> dict[str, Any]:
    endpoint, health = standing.endpoint, standing.health
    return {
        "id": endpoint.id,
        "status": "enabled" if standing.is_enabled else "disabled",
        "disabled_because": health.disabled and health.disabled.value,
        "failures_in_a_row": health.failures,
        "failing_since": _instant_or_none(health.failing_since_ms),
        "paused_until": _instant_or_none(health.open_until_ms),
    }


def _instant_or_none(at_ms: int) -> str | None:
    return instants.render(at_ms) if at_ms else None
