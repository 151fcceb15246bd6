"""The table, the floor and the last lines of ``make cost``."""

from collections.abc import Iterable, Iterator, Sequence

from infra.costing import assumptions, prices
from infra.costing.floor import FLOOR, MEDIA_FLOOR
from infra.costing.minutes import minutes
from infra.costing.prices import LAMBDA_GB_SECOND, LAMBDA_REQUEST, SECRET_REQUEST, Price
from infra.costing.tally import Line, Tally
from infra.wiring import HTTP_DEFAULT

GOAL_USD = 0.12
UNIT_OF_CALLS = 1000

HEADINGS = ("service", "what", "per 1,000 calls", "list price", "USD")
IS_RIGHT = (False, False, True, False, True)

WIDE = 58
"""Columns before a month's dollars."""

NOTES = """\
Counted: requests, capacity units, events, transitions, messages and bytes, as the
functions made them on the laptop cloud. Bytes out are HTTP's, without TLS and TCP.
Own work, "measured": the functions' processor time on this machine, as long as it
takes on a function's share of a core ({full_core} MB have one), rounded up to a
millisecond. It holds no waiting.
Waiting, "assumed": as infra/costing/assumptions.py has it; {post:.0f} ms for a webhook,
{commit:.0f} ms for a transaction, {runtime:.0f} ms for Lambda's own runtime, and so on.
Storage is paid ahead, until TTL: "GB-month" is gigabytes times months.
Not in the total: cold starts. Were {share:.0%} of all invocations cold, each with
{cold:.0f} ms of initialisation and a look at the secret, they would add
${cold_usd:.4f}."""


def per_thousand(lines: Iterable[Line], calls: int) -> list[Line]:
    """Scaled, the dearest first."""
    scaled = [
        Line(line.price, line.what, line.amount * UNIT_OF_CALLS / calls)
        for line in lines
    ]
    return sorted(scaled, key=lambda line: (-line.usd, line.price.service, line.what))


def total_usd(lines: Iterable[Line]) -> float:
    return sum(line.usd for line in lines)


def render(tally: Tally, calls: int, full_core_mb: int) -> str:
    """All of it; the last line is what machines read."""
    lines = per_thousand(tally.lines(), calls)
    total = total_usd(lines)
    verdict = "REACHED" if total <= GOAL_USD else "MISSED"
    parts = [
        f"{UNIT_OF_CALLS:,} calls of two people with 7 webhooks each, from {calls:,} "
        "that were replayed.",
        f"us-east-1, arm64, list prices of {_taken_on()}, no free tier.",
        "",
        *_table(lines),
        "",
        *_services(lines, total),
        "",
        _notes(lines, full_core_mb),
        "",
        *_floor(),
        "",
        *minutes(),
        *(f"NOT COUNTED: {what} ({n})" for what, n in tally.uncounted.items()),
        "",
        f"goal {GOAL_USD} {verdict}",
        f"TOTAL_USD_PER_1000_CALLS={total:.4f}",
    ]
    return "\n".join(parts) + "\n"


def cold_starts_usd(lines: Iterable[Line]) -> float:
    """What the assumed share of cold starts would add, in the largest function."""
    invocations = sum(line.amount for line in lines if line.price == LAMBDA_REQUEST)
    starts = invocations * assumptions.COLD_SHARE
    seconds = starts * assumptions.COLD_START_MS / 1000
    gb_seconds = seconds * HTTP_DEFAULT.memory_mb / 1024
    return LAMBDA_GB_SECOND.usd_of(gb_seconds) + SECRET_REQUEST.usd_of(starts)


def _notes(lines: Iterable[Line], full_core_mb: int) -> str:
    return NOTES.format(
        full_core=full_core_mb,
        post=assumptions.POST_MS,
        commit=assumptions.REQUEST_MS["dynamodb", "TransactWriteItems"],
        runtime=assumptions.RUNTIME_MS,
        share=assumptions.COLD_SHARE,
        cold=assumptions.COLD_START_MS,
        cold_usd=cold_starts_usd(lines),
    )


def _table(lines: Sequence[Line]) -> Iterator[str]:
    rows = [
        (
            line.price.service,
            line.what,
            _amount(line.amount),
            str(line.price),
            f"{line.usd:.6f}",
        )
        for line in lines
    ]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
    for row in (HEADINGS, tuple("-" * width for width in widths), *rows):
        cells = (
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, widths, IS_RIGHT, strict=True)
        )
        yield "  ".join(cells)


def _services(lines: Sequence[Line], total: float) -> Iterator[str]:
    by_service: dict[str, float] = {}
    for line in lines:
        service = line.price.service
        by_service[service] = by_service.get(service, 0.0) + line.usd
    dearest_first = sorted(by_service.items(), key=lambda item: -item[1])
    for service, usd in dearest_first:
        yield f"{service:<16}{usd:>10.6f}  {usd / total if total else 0:>4.0%}"


def _floor() -> Iterator[str]:
    yield "A month in which nobody calls:"
    yield from _month("the control plane", FLOOR)
    yield from _month("what media on Parley's own workers adds", MEDIA_FLOOR)
    yield f"  {'in all':<{WIDE}}{total_usd((*FLOOR, *MEDIA_FLOOR)):>8.2f}"


def _month(title: str, lines: Sequence[Line]) -> Iterator[str]:
    yield f"  {title}"
    for line in lines:
        what = f"{line.price.service}: {line.what}"
        amount = f"{_amount(line.amount)} x {line.price.usd:.5g}"
        yield f"    {what:<36}{amount:>{WIDE - 38}}{line.usd:>8.2f}"
    yield f"    {'together':<{WIDE - 2}}{total_usd(lines):>8.2f}"


def _taken_on() -> str:
    """Of the oldest price."""
    known = (one for one in vars(prices).values() if isinstance(one, Price))
    return min(price.taken_on for price in known)


def _amount(amount: float) -> str:
    """Whole where it is, else with four digits that tell."""
    if amount == int(amount):
        return f"{amount:,.0f}"
    return f"{amount:,.1f}" if amount >= 1000 else f"{amount:.4g}"
