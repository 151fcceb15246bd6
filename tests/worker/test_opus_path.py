from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from mediaworker import opus_path
from mediaworker.opus_path import SYSTEM, opus_paths


def test_find_the_one_that_came_with_pyav() -> None:
    found = opus_paths()
    assert Path(found[0]).name.startswith("libopus-")
    assert found[-1] == SYSTEM


@pytest.mark.parametrize("spec", [None, ModuleSpec("av", None)])
def test_fall_back_on_the_systems(
    monkeypatch: pytest.MonkeyPatch, spec: ModuleSpec | None
) -> None:
    monkeypatch.setattr(opus_path, "find_spec", lambda name: spec)
    assert opus_paths() == (SYSTEM,)
