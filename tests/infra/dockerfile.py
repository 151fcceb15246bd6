"""A Dockerfile and its .dockerignore, as far as ours go: to be asked questions."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CONTINUED = re.compile(r"\\\n(?:[ \t]*#.*\n)*")
OPTION = re.compile(r"--([a-z-]+)=(\S+)\s+")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One line, with those that continue it."""

    name: str
    options: tuple[tuple[str, str], ...]
    words: str
    stage: int
    """How many stages have begun; 0 before the first."""

    @property
    def arguments(self) -> list[str]:
        """Of the JSON form, or of the shell's."""
        if self.words.startswith("["):
            found: list[str] = json.loads(self.words)
            return found
        return shlex.split(self.words)

    def option(self, name: str) -> str | None:
        return dict(self.options).get(name)

    @property
    def pairs(self) -> dict[str, str]:
        """``NAME=value`` and so on."""
        return dict(one.split("=", 1) for one in self.arguments)


def parse(text: str) -> list[Instruction]:
    """Raises ValueError for what it does not know."""
    stage = 0
    found = []
    for line in CONTINUED.sub(" ", text).splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, _, words = line.strip().partition(" ")
        if not name.isupper():
            raise ValueError(f"not an instruction: {line}")
        stage += name == "FROM"
        options, words = _options(words.strip())
        found.append(Instruction(name, options, words, stage))
    return found


def _options(words: str) -> tuple[tuple[tuple[str, str], ...], str]:
    options = []
    while match := OPTION.match(words):
        options.append((match[1], match[2]))
        words = words[match.end() :]
    return tuple(options), words


@dataclass(frozen=True, slots=True)
class Ignore:
    """What stays out of the context; the last pattern that fits decides."""

    patterns: tuple[tuple[bool, re.Pattern[str]], ...]

    @classmethod
    def parse(cls, text: str) -> "Ignore":
        lines = (line.strip() for line in text.splitlines())
        wanted = [line for line in lines if line and not line.startswith("#")]
        return cls(tuple((w[0] != "!", _pattern(w.lstrip("!"))) for w in wanted))

    def leaves_out(self, path: str) -> bool:
        """A path relative to the context's root; a folder's pattern fits all below."""
        parts = path.split("/")
        places = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
        is_out = False
        for takes_out, pattern in self.patterns:
            if any(map(pattern.fullmatch, places)):
                is_out = takes_out
        return is_out

    def files(self, root: Path) -> Iterator[str]:
        """The context's, without walking through what is plainly not in it."""
        for top in sorted(root.iterdir()):
            below = [top] if top.is_file() else self._walk(root, top)
            for path in below:
                name = path.relative_to(root).as_posix()
                if not self.leaves_out(name):
                    yield name

    def _walk(self, root: Path, top: Path) -> Iterator[Path]:
        if top.name.startswith(".") or top.name in ("node_modules", "build"):
            return
        yield from (path for path in sorted(top.rglob("*")) if path.is_file())


def _pattern(words: str) -> re.Pattern[str]:
    pieces = re.split(r"(\*\*/|\*)", words.strip("/"))
    meant = {"**/": "(?:.*/)?", "*": "[^/]*"}
    return re.compile("".join(meant.get(each, re.escape(each)) for each in pieces))
