"""The emulated cloud's process, with nothing deployed into it."""

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from infra.ministack import MiniStack, MiniStackError


def _is_alive(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=5) as one:
            return bool(one.status == 200)
    except urllib.error.URLError:
        return False


def test_start_without_ministack_says_what_to_install(tmp_path: Path) -> None:
    with (
        pytest.raises(MiniStackError, match=r"requirements-ministack\.txt"),
        MiniStack(tmp_path, executable=tmp_path / "missing"),
    ):
        pass


def test_start_of_a_program_that_ends_at_once_shows_its_log(tmp_path: Path) -> None:
    program = tmp_path / "ministack"
    program.write_text("#!/bin/sh\necho out of luck\nexit 3\n")
    program.chmod(0o755)
    with (
        pytest.raises(MiniStackError, match="out of luck"),
        MiniStack(tmp_path, executable=program),
    ):
        pass


@pytest.mark.cloud
def test_two_at_once_are_two_and_both_end(tmp_path: Path) -> None:
    with MiniStack(tmp_path / "one") as one, MiniStack(tmp_path / "two") as two:
        assert one.endpoint != two.endpoint
        assert _is_alive(one.endpoint)
        assert _is_alive(two.endpoint)
    assert not _is_alive(one.endpoint)
    assert not _is_alive(two.endpoint)
