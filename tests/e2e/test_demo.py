"""The demo on a stack of its own, as a newcomer sees it."""

import os
import subprocess
import sys

import pytest

from infra.demo.scenes import SCENES
from tests.e2e.test_laptop import ROOT, SECRET, free_ports, laptop

pytestmark = pytest.mark.laptop


def demo(http_port: int) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "infra.demo"],
        cwd=ROOT,
        env={
            **os.environ,
            "PARLEY_HTTP_PORT": str(http_port),
            "PARLEY_JWT_SECRET": SECRET,
        },
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_demo_tells_calls_that_end_in_every_way() -> None:
    with laptop() as stack:
        stack.wait_until_ready()
        run = demo(stack.http_port)
    assert run.returncode == 0, run.stdout + run.stderr
    told = sum(len(scene.story) + 1 for scene in SCENES)
    assert run.stdout.count(" verified") == told
    for scene in SCENES:
        assert f"A call {scene.play.__name__}" in run.stdout


def test_demo_without_a_stack_says_how_to_start_one() -> None:
    run = demo(free_ports(1)[0])
    assert run.returncode == 1
    assert "make run" in run.stderr and "Traceback" not in run.stderr
