from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

import pytest

from mediaworker.opus_path import SYSTEM, opus_paths


def test_prefer_the_systems_to_the_one_that_comes_with_pyav() -> None:
    found = opus_paths()
    assert found[0] == SYSTEM
    assert Path(found[1]).name.startswith("libopus-")


@pytest.mark.parametrize("spec", [None, ModuleSpec("av", None)])
def test_know_only_the_systems_without_pyav(
    monkeypatch: pytest.MonkeyPatch, spec: ModuleSpec | None
) -> None:
    monkeypatch.setattr(PathFinder, "find_spec", lambda name: spec)
    assert opus_paths() == (SYSTEM,)
