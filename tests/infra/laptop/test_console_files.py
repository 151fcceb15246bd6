"""Static files, and nothing beside them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.laptop.console_files import ConsoleFiles, content_type


@pytest.fixture
def console(tmp_path: Path) -> ConsoleFiles:
    folder = tmp_path / "console"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("index")
    (folder / "assets" / "a.js").write_text("js")
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    return ConsoleFiles(folder)


@pytest.mark.parametrize(
    ("path", "text"), [("/", "index"), ("/index.html", "index"), ("/assets/a.js", "js")]
)
def test_find_a_file(console: ConsoleFiles, path: str, text: str) -> None:
    file = console.find(path)
    assert file is not None
    assert file.read_text() == text


@pytest.mark.parametrize(
    "path",
    [
        "/../secret",
        "/assets/../../secret",
        "//etc/passwd",
        "/..%2fsecret",
        "/link",
        "/assets",
        "/assets/",
        "/missing",
        "/\0",
        "/..\\secret",
        "/health",
        "/" + "a" * 5000,
    ],
)
def test_find_nothing_else(console: ConsoleFiles, path: str) -> None:
    assert console.find(path) is None


@given(st.text())
def test_never_leave_the_folder(path: str) -> None:
    folder = Path(__file__).parent.resolve()
    file = ConsoleFiles(folder).find(path)
    assert file is None or file.is_relative_to(folder)


def test_name_the_type_with_its_charset() -> None:
    assert content_type(Path("a.html")) == "text/html; charset=utf-8"
    assert content_type(Path("a.png")) == "image/png"
    assert content_type(Path("a.unknown")) == "application/octet-stream"
