"""The demo on a stack of its own, as a newcomer sees it."""

import os
import re
import subprocess
import sys

import pytest

from infra.demo.__main__ import SESSION_STORY
from infra.demo.scenes import SCENES
from tests.e2e.test_laptop import ROOT, SECRET, free_ports, laptop

pytestmark = pytest.mark.laptop


def demo(http_port: int, worker_port: int) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "infra.demo"],
        cwd=ROOT,
        env={
            **os.environ,
            "PARLEY_HTTP_PORT": str(http_port),
            "PARLEY_WORKER_PORT": str(worker_port),
            "PARLEY_JWT_SECRET": SECRET,
        },
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_demo_tells_calls_of_four_dialects_that_end_in_every_way() -> None:
    with laptop() as stack:
        stack.wait_until_ready()
        run = demo(stack.http_port, stack.worker_port)
    assert run.returncode == 0, run.stdout + run.stderr
    told = sum(len(scene.story) + 1 for scene in SCENES) + len(SESSION_STORY)
    counts = re.findall(r"\((\d+)\s+verified\)", run.stdout)
    assert sum(map(int, counts)) == told
    for scene in SCENES:
        assert f"\n{scene.title}\n" in run.stdout
    shared = re.findall(r"both were sent to the same room: (\w+) ", run.stdout)
    assert shared == ["livekit", "trtc", "p2p"]
    assert "the application hears: hangup, bySystem" in run.stdout


def test_demo_without_a_stack_says_how_to_start_one() -> None:
    run = demo(*free_ports(2))
    assert run.returncode == 1
    assert "make run" in run.stderr and "Traceback" not in run.stderr
