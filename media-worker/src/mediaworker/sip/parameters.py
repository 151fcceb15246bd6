"""The parameters of URIs and header fields, kept as they were written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from mediaworker.sip.grammar import QUOTED, TOKEN, VALUE, BadSyntax, Scanner, unquote

MOST_PARAMETERS = 64


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    value: str | None
    """Without quotes and escapes."""
    written: str


class Parameters(Mapping[str, str | None]):
    """The ``;name=value`` of a URI or a header field, in order, as they were written.

    Names are looked up in any case; values are had without quotes and escapes;
    None is the value of a name that stands alone.
    """

    __slots__ = ("_items",)

    def __init__(self, items: tuple[Parameter, ...] = ()) -> None:
        """Raises `BadSyntax` when one name stands twice (RFC 3261 7.3.1)."""
        self._items = {item.name.lower(): item for item in items}
        if len(self._items) < len(items):
            raise BadSyntax("a parameter stands twice")

    def with_value(self, name: str, value: str | None = None) -> Self:
        """In the place of the one of that name, or last; `ValueError` if no token."""
        item = self._items.get(name.lower())
        made = _made(item.name if item else name, value)
        items = {**self._items, name.lower(): made}
        return type(self)(tuple(items.values()))

    def without(self, name: str) -> Self:
        kept = (item for key, item in self._items.items() if key != name.lower())
        return type(self)(tuple(kept))

    def __getitem__(self, name: str) -> str | None:
        return self._items[name.lower()].value

    def __iter__(self) -> Iterator[str]:
        return (item.name for item in self._items.values())

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._items

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Parameters):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(frozenset(self._values().items()))

    def __str__(self) -> str:
        return "".join(f";{item.written}" for item in self._items.values())

    def __repr__(self) -> str:
        return f"Parameters({str(self)!r})"

    def _values(self) -> dict[str, str | None]:
        return {name: item.value for name, item in self._items.items()}


NO_PARAMETERS = Parameters()


def read_parameters(scanner: Scanner) -> Parameters:
    """Of a header field: as many as follow here."""
    items: list[Parameter] = []
    while scanner.accept(";"):
        items.append(_read(scanner))
        if len(items) > MOST_PARAMETERS:
            raise scanner.fault(f"has more than {MOST_PARAMETERS} parameters")
    try:
        return Parameters(tuple(items)) if items else NO_PARAMETERS
    except BadSyntax:
        raise scanner.fault("has a parameter that stands twice") from None


def _read(scanner: Scanner) -> Parameter:
    name = scanner.expect(TOKEN, "the name of a parameter")
    if not scanner.accept("="):
        return Parameter(name, None, name)
    quoted = scanner.take(QUOTED)
    if quoted is not None:
        return Parameter(name, unquote(quoted), f"{name}={quoted}")
    value = scanner.expect(VALUE, "the value of a parameter")
    return Parameter(name, value, f"{name}={value}")


def _made(name: str, value: str | None) -> Parameter:
    if not TOKEN.fullmatch(name):
        raise ValueError("the name of a parameter is a token")
    if value is None:
        return Parameter(name, None, name)
    if not VALUE.fullmatch(value):
        raise ValueError("the value of a parameter is a token or a host")
    return Parameter(name, value, f"{name}={value}")
