"""Files below a folder, and never outside of it."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mediaworker.recording import places
from mediaworker.recording.places import Outside, append, create, names

PARTS = st.sampled_from(
    ["..", ".", "", "a", "b", "inside", "outside", "file", "loop", "a.wav", "\0", "~"]
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """With links in it that lead out, back and nowhere."""
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (root / "outside").symlink_to(tmp_path / "elsewhere")
    (root / "inside").symlink_to(root)
    (root / "loop").symlink_to(root / "loop")
    (root / "link.wav").symlink_to(tmp_path / "elsewhere" / "made.wav")
    (root / "file").touch()
    return root


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PARTS, max_size=5), st.booleans())
def test_no_path_leads_out(root: Path, parts: list[str], is_new: bool) -> None:
    path = "/".join(parts)
    try:
        if is_new:
            descriptor, key = create(root, path)
            assert (root / key).is_file()
        else:
            descriptor = append(root, path)
    except (OSError, ValueError):
        assert list((root.parent / "elsewhere").iterdir()) == []
        return
    real = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
    os.close(descriptor)
    assert real.is_relative_to(root) and ".." not in parts


@pytest.mark.parametrize(
    "path", ["outside/a.wav", "inside/a.wav", "loop/a.wav", "file/a.wav", "../a.wav"]
)
def test_links_and_files_are_no_folders(root: Path, path: str) -> None:
    for make in (create, append):
        with pytest.raises(Outside):
            make(root, path)


def test_link_is_no_file_to_be_written_on(root: Path) -> None:
    with pytest.raises(Outside):
        append(root, "link.wav")
    descriptor, key = create(root, "link.wav")
    os.close(descriptor)
    assert key == "link-2.wav"


def test_folder_where_files_are_kept_may_be_a_link_itself(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "root").symlink_to(tmp_path / "real")
    descriptor, _ = create(tmp_path / "root", "x/a.wav")
    os.close(descriptor)
    assert (tmp_path / "real" / "x" / "a.wav").is_file()


def test_two_never_write_the_same_file(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "MOST_OF_A_NAME", 3)
    made = [create(root, "x/a.wav") for _ in range(3)]
    for descriptor, _ in made:
        os.close(descriptor)
    assert [key for _, key in made] == ["x/a.wav", "x/a-2.wav", "x/a-3.wav"]
    with pytest.raises(FileExistsError):
        create(root, "x/a.wav")


def test_names_keep_their_suffix() -> None:
    tried = names("s1.events.jsonl")
    assert [next(tried), next(tried)] == ["s1.events.jsonl", "s1-2.events.jsonl"]


def test_failure_that_is_no_link_is_told_as_it_is(root: Path) -> None:
    with pytest.raises(OSError, match="too long"):
        append(root, "x" * 300)
    with pytest.raises(OSError, match="too long"):
        create(root, "x" * 300 + "/a.wav")
