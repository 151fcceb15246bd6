"""URLs of providers: where an option leads, with what is asked."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

Query = Iterable[tuple[str, str]]


def located(endpoint: str, path: str, query: Query) -> str:
    """The endpoint with that query, and that path unless it has one of its own."""
    parts = urlsplit(endpoint)
    if parts.path.strip("/"):
        path = parts.path
    asked = "&".join(each for each in (parts.query, urlencode(list(query))) if each)
    return urlunsplit((parts.scheme, parts.netloc, path, asked, ""))


def as_socket(url: str) -> str:
    """The same place, by WebSocket."""
    return "ws" + url[4:] if url.lower().startswith("http") else url


def as_web(url: str) -> str:
    """The same place, by HTTP."""
    return "http" + url[2:] if url.lower().startswith("ws") else url


def parameters(extra: Mapping[str, Any] | None) -> dict[str, str]:
    """What of an option's ``extra`` can stand in a query."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in (extra or {}).items()
        if isinstance(value, str | int | float)
    }
