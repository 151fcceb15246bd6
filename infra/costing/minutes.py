"""The table of media minutes: ours by load, and beside it what others ask."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from infra.costing.media import CALLS, FILLED, Kind, kinds
from infra.costing.peers import OFFERS, PRICES, READ_ON, Offer

HEADINGS = ("a minute of", "at", "USD", "what it includes", "what it lacks")
OURS = "the worker, its network, its bytes out; recording and voice detection"
LACKS = "carriage to and from phone numbers; hosting of your application; the model"


def minutes() -> Iterator[str]:
    """As ``make cost`` prints it."""
    yield "A minute of media, in USD (list prices; see docs/costs.md):"
    for kind, rows in groupby(rows_of_kinds(), key=lambda row: row[0]):
        yield f"  {kind}"
        for _, place, usd, _, lacks in rows:
            yield f"    {place:<44}{usd:>9}  without {lacks}"


def rows_of_kinds() -> Iterator[tuple[str, ...]]:
    """(kind, where, USD, what it includes, what it lacks)"""
    for kind in kinds():
        for calls in CALLS:
            yield _ours(kind, calls)
        for offer in offers_of(kind):
            yield (
                kind.name,
                offer.vendor,
                f"{offer.usd_a_minute:.5f}",
                offer.includes,
                offer.lacks,
            )


def offers_of(kind: Kind) -> Sequence[Offer]:
    """Those of others for the same kind of call."""
    return [one for one in OFFERS if one.kind == kind.name.partition(",")[0]]


def _ours(kind: Kind, calls: int) -> tuple[str, ...]:
    tasks = kind.tasks(calls)
    place = f"Parley, {calls:,} calls at a time, {tasks} tasks"
    usd = f"{kind.usd_a_minute(calls):.5f}"
    return kind.name, place, usd, OURS, LACKS


def markdown() -> str:
    """As docs/costs.md has it."""
    parts = [_table(HEADINGS, rows_of_kinds()), "", *_bases(), "", _lists()]
    return "\n".join(parts) + "\n"


def _bases() -> Iterator[str]:
    yield f"A task is given {FILLED:.0%} of what it could carry:"
    yield ""
    for kind in kinds():
        yield f"- {kind.name}: {kind.calls_a_task} calls a task; {kind.basis}."


def _lists() -> str:
    headings = ("vendor", "what", "USD a minute", "list", "read")
    rows = (
        (one.vendor, one.what, f"{one.usd:g}", one.page, f"{READ_ON}: {one.read_as}")
        for one in PRICES
    )
    return _table(headings, rows)


def _table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
