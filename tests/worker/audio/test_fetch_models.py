"""`scripts/fetch-models`, without a network."""

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "fetch-models"


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Its pip finds no package anywhere."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    loader = SourceFileLoader("fetch_models", str(SCRIPT))
    spec = spec_from_loader("fetch_models", loader)
    assert spec is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(__import__("sys").modules, "fetch_models", module)
    loader.exec_module(module)
    return module


@pytest.fixture
def folder(models: Path, tmp_path: Path) -> Path:
    """All that is wanted, but nothing to download it from."""
    copy = tmp_path / "models"
    for path in models.rglob("*"):
        if path.is_file():
            target = copy / path.relative_to(models)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(path)
    return copy


def test_do_nothing_when_all_is_there(
    script: Any, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert script.main([str(folder)]) == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("content", [None, b"", b"PK\3\4 cut short"])
def test_extract_the_weights_again(
    script: Any, folder: Path, content: bytes | None
) -> None:
    weights = folder / "silero.npz"
    weights.unlink()
    if content is not None:
        weights.write_bytes(content)
    assert script.main([str(folder)]) == 0
    assert script.is_silero_there(weights)


def test_tell_what_is_wrong_and_leave_nothing_half(
    script: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "models"
    assert script.main([str(folder)]) == 1
    told = capfd.readouterr().err
    assert told.count("\n") == 1
    assert "moonshine-voice==0.0.73 is not on the package index" in told
    assert list(folder.iterdir()) == []


def test_fetch_again_what_was_changed(
    script: Any, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sample = folder / "speech-samples" / "beckett.wav"
    sample.unlink()
    sample.write_bytes(b"another")
    assert script.main([str(folder)]) == 1
    assert "Downloading moonshine-voice" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("told", "half"),
    [
        ("THESE PACKAGES DO NOT MATCH THE HASHES FROM", "is not the file that is"),
        ("WARNING: Retrying\nERROR: No matching distribution", "cannot be reached"),
        ("ERROR: No matching distribution", "is not on the package index"),
    ],
)
def test_say_why_pip_failed(script: Any, told: str, half: str) -> None:
    assert half in script.why_not(told)
