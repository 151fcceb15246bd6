"""A worker's process has aiortc without PyAV."""

import subprocess
import sys
from types import ModuleType

import pytest

from mediaworker.webrtc.without_pyav import NAMES, Absent, NoPyAV, stand_in

STACK = """
import sys
from mediaworker.webrtc.without_pyav import stand_in
stand_in()
import aiortc
from mediaworker.webrtc import stack
print(sys.modules["av"].__doc__)
print(*sorted(name for name in sys.modules if name.split(".")[0] == "av"))
"""


def test_give_aiortc_the_names_that_it_imports() -> None:
    told = subprocess.run(
        [sys.executable, "-c", STACK], capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, (
        f"aiortc wants other names of PyAV's than {NAMES}: {told.stderr}"
    )
    doc, names = told.stdout.splitlines()
    assert doc.startswith("Not PyAV")
    assert names.split() == sorted(NAMES)


def test_make_none_of_pyavs_things() -> None:
    modules: dict[str, ModuleType] = {}
    stand_in(modules)
    frame = vars(modules["av"])["AudioFrame"]
    assert issubclass(frame, Absent)
    with pytest.raises(NoPyAV, match="AudioFrame"):
        frame(format="s16")


@pytest.mark.parametrize("name", ["aiortc", "av"])
def test_leave_alone_what_is_imported_already(name: str) -> None:
    modules = {name: ModuleType(name)}
    stand_in(modules)
    assert list(modules) == [name]
