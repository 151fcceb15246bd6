"""The demo of an outage on a stack of its own, shortened; and what it would notice."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from chalicelib.domain import breaker
from chalicelib.domain.endpoints import Health
from infra.demo.client import DemoFailed
from infra.demo_webhooks import verdicts
from infra.demo_webhooks.business import Taken
from infra.demo_webhooks.scene import TITLES
from infra.demo_webhooks.stack import SECRET, own_stack
from infra.wiring import ROOT

SECONDS = 6


def taken(seq: int, webhook_id: str = "", call: str = "call") -> Taken:
    webhook_id = webhook_id or f"{call}-{seq}"
    return Taken(webhook_id, "room.started", seq, call, webhook_id.encode(), 1, (True,))


STORY = (taken(1), taken(2), taken(2, "call-2-1"), taken(3))
TOLD = {one.id: one.type for one in STORY}


@pytest.mark.laptop
def test_lose_nothing_however_a_business_fails() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "infra.demo_webhooks", "--seconds", str(SECONDS)],
        cwd=ROOT,
        env={**os.environ, "PARLEY_HTTP_PORT": "nonsense of the user's own"},
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "All of it holds." in run.stdout and "NO " not in run.stdout
    assert len(re.findall(r"^  yes  ", run.stdout, re.MULTILINE)) == 8
    for title in TITLES:
        assert title in run.stdout
    for told in ("the certificate is self-signed", "the connection was refused", "410"):
        assert told in run.stdout


@pytest.mark.laptop
def test_say_why_a_stack_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SECRET, "restored after the test")
    with (
        pytest.raises(DemoFailed, match="PARLEY_LOG_LEVEL"),
        own_stack(tmp_path, {"PARLEY_LOG_LEVEL": "LOUD"}),
    ):
        pass


def test_pause_no_longer_than_a_short_schedule_does() -> None:
    health = Health(failures=breaker.OPENS_AFTER - 1, failing_since_ms=1)
    assert breaker.failed(health, 5_000, most_open_ms=2_000).open_until_ms == 7_000
    assert breaker.failed(health, 5_000).open_until_ms == 5_000 + breaker.OPEN_MS


def test_find_nothing_wrong_with_a_good_story() -> None:
    repeated = (*STORY, STORY[0], STORY[3])
    assert verdicts.nothing_lost(TOLD, {"shop": STORY, "night": STORY}).is_good
    assert verdicts.in_order({"shop": repeated}).is_good
    assert verdicts.nothing_anew({"shop": repeated, "night": STORY}).is_good
    assert verdicts.signed(repeated).is_good


def test_notice_what_is_lost() -> None:
    found = verdicts.nothing_lost(TOLD, {"shop": STORY, "night": STORY[1:]})
    assert not found.is_good and "night never got room.started call-1" in found.sentence


def test_notice_what_is_out_of_order() -> None:
    for story in ((STORY[1], STORY[0]), (STORY[3], *STORY[:2])):
        found = verdicts.in_order({"shop": story})
        assert not found.is_good and "shop, call call" in found.sentence
    other = taken(1, call="other")
    assert verdicts.in_order({"shop": (STORY[3], other)}).is_good


@pytest.mark.parametrize(
    "again",
    [
        replace(STORY[0], body=b"another"),
        replace(STORY[0], seq=2),
        replace(STORY[0], id="another-id"),
    ],
)
def test_notice_what_comes_twice_as_another(again: Taken) -> None:
    story: Sequence[Taken] = (*STORY, again)
    assert not verdicts.nothing_anew({"shop": story}).is_good


def test_notice_a_signature_that_is_wrong() -> None:
    bad = replace(STORY[1], verified_by=(False, False))
    assert not verdicts.signed((STORY[0], bad)).is_good
