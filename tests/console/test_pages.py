"""The console's files as they are: what their server's policy allows, and no more."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from infra.laptop.console_files import HEADERS, ConsoleFiles

FOLDER = Path(__file__).parents[2] / "console"
PAGES = sorted(FOLDER.glob("*.html"))
MODULES = sorted(FOLDER.glob("*.js"))
IMPORT = re.compile(r'(?:from|import\()\s*"(\./[^"]+)"')
SERVED_BY_THE_STACK = ("/health", "/laptop/webhooks")


class Page(HTMLParser):
    """What a page names, and what of it is written in place."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.named: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.in_place: list[str] = []
        self.feed(file.read_text())

    def handle_starttag(
        self, tag: str, attributes: list[tuple[str, str | None]]
    ) -> None:
        given = {name: value or "" for name, value in attributes}
        self.named += [given[name] for name in ("href", "src") if name in given]
        self.ids += [given["id"]] if "id" in given else []
        for name in ("for", "aria-labelledby", "aria-describedby"):
            self.references += given.get(name, "").split()
        is_inline = tag == "style" or (tag == "script" and "src" not in given)
        handlers = [name for name in given if name.startswith("on") or name == "style"]
        self.in_place += handlers + ([tag] if is_inline else [])


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_page_has_nothing_in_place(file: Path) -> None:
    assert Page(file).in_place == []


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_page_names_what_there_is(file: Path) -> None:
    page, console = Page(file), ConsoleFiles(FOLDER)
    for address in page.named:
        parts = urlsplit(address)
        assert not parts.scheme and not parts.netloc, address
        if parts.path and parts.path not in SERVED_BY_THE_STACK:
            assert console.find(parts.path), address
        assert not parts.fragment or parts.fragment in page.ids, address
    assert len(set(page.ids)) == len(page.ids)
    assert set(page.references) <= set(page.ids)


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.name)
def test_module_is_checked_and_imports_what_there_is(file: Path) -> None:
    text = file.read_text()
    assert text.startswith("// @ts-check\n")
    for name in IMPORT.findall(text):
        assert (FOLDER / name).is_file(), name


def test_policy_is_strict() -> None:
    policy = HEADERS["content-security-policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'self'"
    assert not {"script-src", "style-src"} & set(rules)
    assert "unsafe-" not in policy
    for name in ("object-src", "base-uri", "form-action", "frame-ancestors"):
        assert rules[name] == "'none'"
    allowed = HEADERS["permissions-policy"]
    assert allowed == "microphone=(self), camera=(self), geolocation=()"
