"""How long a downloaded file is good for (RFC 9111), and how to ask for a newer one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

FRESH_SECONDS = 60
"""Where the server does not say it."""
MOST_SECONDS = 86_400
DIRECTIVE = re.compile(r'([a-z-]+)(?:\s*=\s*"?(\d{1,9})"?)?')
LONGEST_VALIDATOR = 512


@dataclass(frozen=True, slots=True)
class Version:
    """Which one of a file it is, and for how long nobody need ask."""

    etag: str | None = field(default=None, repr=False)
    modified: str | None = None
    """As its server wrote them."""
    fresh_seconds: int | None = FRESH_SECONDS
    """None: it may not be kept."""

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> "Version":
        """Of an answer, whose names are looked up without regard to case."""
        return cls(
            _validator(headers.get("ETag")),
            _validator(headers.get("Last-Modified")),
            _fresh_seconds(headers.get("Cache-Control", ""), headers.get("Age", "")),
        )

    def question(self) -> dict[str, str]:
        """The headers that ask for another one, if there is one."""
        asked = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in asked.items() if value is not None}


def _validator(value: str | None) -> str | None:
    is_usable = value is not None and len(value) <= LONGEST_VALIDATOR
    return value if is_usable and value and value.isprintable() else None


def _fresh_seconds(control: str, age: str) -> int | None:
    said = dict(DIRECTIVE.findall(control.lower()))
    if "no-store" in said:
        return None
    if "no-cache" in said:
        return 0
    if not said.get("max-age"):
        return FRESH_SECONDS
    spent = int(age) if age.isascii() and age.isdigit() and len(age) < 10 else 0
    return min(MOST_SECONDS, max(0, int(said["max-age"]) - spent))
