"""How long a server asks to be left alone (RFC 9110 section 10.2.3)."""

import calendar
import re

MOST_DIGITS = 10
MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_TIME = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_MONTH = f"(?P<month>{'|'.join(MONTHS)})"
_SHORT, _LONG = (
    "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)",
    "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)",
)
DATES = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        rf"{_SHORT}, (?P<day>\d\d) {_MONTH} (?P<year>\d{{4}}) {_TIME} GMT",
        rf"{_LONG}day, (?P<day>\d\d)-{_MONTH}-(?P<year>\d\d) {_TIME} GMT",
        rf"{_SHORT} {_MONTH} (?P<day>[ \d]\d) {_TIME} (?P<year>\d{{4}})",
    )
)
"""RFC 9110 section 5.6.7: the one to send, and two of old that must be understood."""
YEAR_SECONDS = 365.2425 * 86_400
YEARS_AHEAD = 50
"""A year of two digits further ahead than this is of the century before."""


def parse(text: str, now_seconds: int) -> int | None:
    """Seconds from now, never negative; None for what is neither of both."""
    text = text.strip(" \t")
    if text.isascii() and text.isdigit():
        return int(text) if len(text) <= MOST_DIGITS else None
    at_seconds = _date(text, now_seconds)
    return None if at_seconds is None else max(0, at_seconds - now_seconds)


def _date(text: str, now_seconds: int) -> int | None:
    found = next(filter(None, (date.fullmatch(text) for date in DATES)), None)
    if found is None:
        return None
    year, month, day = (
        int(found["year"]),
        MONTHS.index(found["month"]) + 1,
        int(found["day"]),
    )
    if len(found["year"]) == 2:
        year = _year(year, now_seconds)
    clock = int(found["hour"]), int(found["minute"]), int(found["second"])
    if not _is_real(year, month, day, clock):
        return None
    return calendar.timegm((year, month, day, *clock))


def _is_real(year: int, month: int, day: int, clock: tuple[int, int, int]) -> bool:
    hour, minute, second = clock
    # A second of 60 is a leap second.
    is_time = hour < 24 and minute < 60 and second <= 60
    return year > 0 and is_time and 0 < day <= calendar.monthrange(year, month)[1]


def _year(two_digits: int, now_seconds: int) -> int:
    """RFC 9110 section 5.6.7, on the last of its rules."""
    latest = 1970 + int(now_seconds // YEAR_SECONDS) + YEARS_AHEAD
    return latest - (latest - two_digits) % 100
