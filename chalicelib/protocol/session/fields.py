"""The types of the protocol's fields, and the limits that they keep."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from chalicelib.protocol.session.containers import (
    HeaderFields,
    Json,
    JsonObject,
    Listing,
    Octets,
)
from chalicelib.protocol.session.kinds import (
    Address,
    Duration,
    Hidden,
    Instant,
    Line,
    Matching,
    Number,
    Text,
    Whole,
)

NAME_MAX = 256
URL_MAX = 2_048
SPOKEN_MAX = 10_000
TEXT_MAX = 65_536
SECRET_MAX = 4_096
FRAME_MAX = 1_048_576
DAY_SECONDS = 86_400
HOUR_MS = 3_600_000
SAFE_INTEGER = 2**53 - 1
"""The largest whole number that JavaScript keeps."""

SESSION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@:+~=-]{0,255}\Z")
DIGIT = re.compile(r"[0-9*#A-D]\Z")
DIGITS = re.compile(r"[0-9*#A-Da-d]{1,64}\Z")

Name = Annotated[str, Line(NAME_MAX)]
"""What a person or a program chose to call something: a track, a voice, a model."""
PlayId = Annotated[str, Address(URL_MAX)]
"""Names a playback; for `play` it is the URL."""
SessionId = Annotated[
    str,
    Matching(SESSION_ID, "1 to 256 letters, digits and . _ @ : + ~ = -"),
]
"""Safe in a path of a URL and as a file's name."""
Party = Annotated[str, Line(URL_MAX)]
"""A SIP URI or a phone number."""
Reason = Annotated[str, Line(NAME_MAX)]
Url = Annotated[str, Address(URL_MAX)]
"""Where it may lead is the guarded client's to say, when it is fetched."""
Path = Annotated[str, Line(URL_MAX)]
Prose = Annotated[str, Text(TEXT_MAX)]
Framed = Annotated[str, Text(FRAME_MAX)]
Sdp = Annotated[str, Hidden(Text(TEXT_MAX))]
Secret = Annotated[str, Hidden(Line(SECRET_MAX))]
Digit = Annotated[str, Matching(DIGIT, "one of 0 to 9, *, # and A to D")]
Digits = Annotated[str, Hidden(Matching(DIGITS, "1 to 64 of 0 to 9, *, # and A to D"))]
"""May be a number of a card."""

Headers = Annotated[Mapping[str, str], HeaderFields()]
PrivateHeaders = Annotated[Mapping[str, str], Hidden(HeaderFields())]
HeaderNames = Annotated[tuple[str, ...], Listing(Line(NAME_MAX), 64)]
Extra = Annotated[Mapping[str, Any], JsonObject()]
PrivateExtra = Annotated[Mapping[str, Any], Hidden(JsonObject())]
"""A provider's own parameters, which may be keys."""
Anything = Annotated[Any, Json()]
Things = Annotated[tuple[Any, ...], Listing(Json(), 128)]
Audio = Annotated[bytes, Hidden(Octets(FRAME_MAX))]

Timestamp = Annotated[int, Whole(0, SAFE_INTEGER)]
"""Epoch milliseconds, as a number."""
IsoTime = Annotated[int, Instant()]
"""Epoch milliseconds, written as ISO 8601."""
Millis = Annotated[int, Whole(0, SAFE_INTEGER)]
ShortMillis = Annotated[int, Whole(0, HOUR_MS)]
KeyMillis = Annotated[int, Whole(40, 5_000)]
PauseMillis = Annotated[int, Whole(20, 5_000)]
Seconds = Annotated[float, Number(0, DAY_SECONDS)]
Handshake = Annotated[int, Duration(HOUR_MS)]
InputTimeout = Annotated[float, Number(0, HOUR_MS)]
"""As it was sent; `commands.wait_input_ms` says what it means."""

Count = Annotated[int, Whole(0, 2**32 - 1)]
Size = Annotated[int, Whole(1, FRAME_MAX)]
Tasks = Annotated[int, Whole(1, 64)]
SampleRate = Annotated[int, Whole(8_000, 48_000)]
SipCode = Annotated[int, Whole(300, 699)]
SipStatus = Annotated[int, Whole(100, 699)]
Share = Annotated[float, Number(0, 1)]
Level = Annotated[float, Number(0, 10)]
Decibels = Annotated[float, Number(-120, 120)]
Volume = Annotated[int, Whole(0, 100)]
"""1 to 10 in the contract; some providers count to 100."""
Speed = Annotated[float, Number(-10, 10)]
"""1 is normal; some providers count from -2 to 6 around 0."""
