"""What is kept of speech: bounded, whole, and nobody else's."""

import os
from pathlib import Path

import pytest

from mediaworker.speech.cache import SUFFIX, Disk, Memory, Speech, key_of

SPEECH = Speech("slt", b"\x01\x02" * 500)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_forget_the_oldest_in_memory() -> None:
    memory = Memory(limit=2_500)
    memory.put("a", SPEECH)
    memory.put("b", SPEECH)
    memory.put("b", SPEECH)
    assert memory.get("a") == SPEECH
    memory.put("c", SPEECH)
    assert memory.get("b") is None
    assert memory.get("a") == memory.get("c") == SPEECH


def test_keep_on_disk(tmp_path: Path) -> None:
    key = key_of("tenant", "hello")
    Disk(tmp_path, 1 << 20).put(key, SPEECH)
    assert Disk(tmp_path, 1 << 20).get(key) == SPEECH
    assert Disk(tmp_path, 1 << 20).get(key_of("other", "hello")) is None


def test_forget_on_disk_what_was_not_used(tmp_path: Path) -> None:
    disk = Disk(tmp_path, 3_500)
    for at, name in enumerate("abc"):
        disk.put(key_of(name), SPEECH)
        path = next(tmp_path.rglob(f"{key_of(name)}*"))
        os.utime(path, (1_000 + at, 1_000 + at))
    assert disk.get(key_of("a")) == SPEECH
    disk.put(key_of("d"), SPEECH)
    assert disk.get(key_of("b")) is None
    assert disk.get(key_of("a")) == disk.get(key_of("d")) == SPEECH
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 3_500


@pytest.mark.parametrize("data", [b"", b"{}\n", b"[]\nxx", b"\xff", b'{"size": 9}\nx'])
def test_take_no_broken_file(tmp_path: Path, data: bytes) -> None:
    disk, key = Disk(tmp_path, 1 << 20), key_of("a")
    disk.put(key, SPEECH)
    files(tmp_path)[0].write_bytes(data)
    assert disk.get(key) is None


def test_follow_no_link(tmp_path: Path) -> None:
    disk, key = Disk(tmp_path / "cache", 1 << 20), key_of("a")
    disk.put(key, SPEECH)
    kept = files(tmp_path)[0]
    kept.rename(tmp_path / "secret")
    kept.symlink_to(tmp_path / "secret")
    assert disk.get(key) is None


def test_go_on_without_a_folder(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    disk = Disk(tmp_path / "file", 1 << 20)
    disk.put(key_of("a"), SPEECH)
    disk.put(key_of("b"), SPEECH)
    assert disk.get(key_of("a")) is None
    assert len(caplog.records) == 1


def test_leave_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(source: str, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    Disk(tmp_path, 1 << 20).put(key_of("a"), SPEECH)
    assert files(tmp_path) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a\0b", "\ud800"])
def test_let_no_name_out_of_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "cache"
    Disk(folder, 1 << 20).put(key_of("tenant", "named", name), SPEECH)
    assert [path.suffix for path in files(tmp_path)] == [SUFFIX]
    assert all(path.is_relative_to(folder) for path in files(tmp_path))
