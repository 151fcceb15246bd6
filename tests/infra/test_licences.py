"""What the worker's image holds is under licences that were looked at."""

import subprocess
import sys

import pytest

from infra.wiring import ROOT

PAGE = ROOT / "docs" / "licences.md"
VOICE = "espeakng-loader"
"""The one package under the GPL: a build argument leaves it out."""
LIBRARY = "soxr"
"""The one under the LGPL, which may be replaced."""
FREE = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT"),
    *("MIT-0", "PSF-2.0", "Zlib", "public domain"),
}


def rows() -> dict[str, str]:
    table = PAGE.read_text(encoding="utf-8").partition("<!-- packages")[2]
    cells = [
        line.strip("| ").split(" | ")
        for line in table.partition("<!-- end")[0].splitlines()[3:]
    ]
    return {package.split(" ")[0]: licence for package, licence, *_ in cells}


def test_tell_what_is_installed() -> None:
    script = ROOT / "scripts" / "licences"
    subprocess.run([sys.executable, script, "--check"], check=True)


@pytest.mark.parametrize("package", rows())
def test_allow_a_package_by_its_licence(package: str) -> None:
    said = rows()[package].replace(" OR ", " AND ").split(" AND ")
    unknown = set(said) - FREE
    allowed = {VOICE: {"GPL-3.0-or-later"}, LIBRARY: {"LGPL-2.1-or-later"}}
    assert unknown == allowed.get(package, set())


def test_leave_pyav_out() -> None:
    assert "av" not in rows()
    assert VOICE in rows()


def test_refuse_what_is_no_option() -> None:
    script = ROOT / "scripts" / "licences"
    ran = subprocess.run([sys.executable, script, "--all"], capture_output=True)
    assert ran.returncode == 2
