"""Instants as ISO 8601 writes them and as epoch milliseconds.

The protocol may not import the clock's own library; the calendar is arithmetic.
"""

import re

DAY_MS = 86_400_000
EPOCH_DAY = 719_468
"""Days from 1 March of the year 0 to 1 January 1970."""
LAST_MS = 253_402_300_799_999
"""The end of the year 9999."""

INSTANT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?:\.([0-9]{1,9}))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))\Z"
)


def parse(text: str) -> int | None:
    """Epoch milliseconds; None when the text is no instant from 1970 to 9999."""
    match = INSTANT.match(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    fraction, sign, offset_hour, offset_minute = match.groups()[6:]
    days = _days(year, month, day)
    if _date(days) != (year, month, day) or hour > 23 or minute > 59 or second > 59:
        return None
    at_ms = days * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1_000
    at_ms += int((fraction or "0").ljust(3, "0")[:3])
    if sign:
        offset_ms = (int(offset_hour) * 60 + int(offset_minute)) * 60_000
        at_ms += offset_ms if sign == "-" else -offset_ms
    return at_ms if 0 <= at_ms <= LAST_MS else None


def render(at_ms: int) -> str:
    """In UTC, with a fraction only where there is one."""
    days, of_day_ms = divmod(at_ms, DAY_MS)
    year, month, day = _date(days)
    seconds, fraction = divmod(of_day_ms, 1_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    clock = f"{hour:02}:{minute:02}:{second:02}"
    tail = f".{fraction:03}" if fraction else ""
    return f"{year:04}-{month:02}-{day:02}T{clock}{tail}Z"


def _days(year: int, month: int, day: int) -> int:
    """Days since the epoch; a year is counted from March, so a leap day is last."""
    year -= month < 3
    month = (month - 3) % 12
    leaps = year // 4 - year // 100 + year // 400
    return 365 * year + leaps + (153 * month + 2) // 5 + day - 1 - EPOCH_DAY


def _date(days: int) -> tuple[int, int, int]:
    era, of_era = divmod(days + EPOCH_DAY, 146_097)
    year = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month = (month + 2) % 12 + 1
    return year + era * 400 + (month < 3), month, day
