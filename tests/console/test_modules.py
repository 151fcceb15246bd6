"""The console's modules that need no browser, by Node's own tests."""

import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
LONGEST_SECONDS = 60


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.test.js")), ids=lambda f: f.name)
def test_module_does_what_its_tests_say(file: Path) -> None:
    node = shutil.which("node")
    assert node is not None
    # It warns of each module that package.json does not say to be one.
    done = subprocess.run(
        [node, "--no-warnings", "--test", str(file)],
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
