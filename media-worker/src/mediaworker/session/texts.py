"""What is done to words: cleaned, cut into sentences, counted."""

import re
from collections.abc import Mapping

from chalicelib.protocol.session.containers import (
    HEADER_NAME,
    MAX_HEADER_VALUE,
    MAX_HEADERS,
)
from chalicelib.protocol.session.fields import NAME_MAX, TEXT_MAX, URL_MAX
from chalicelib.protocol.session.kinds import CONTROL, SURROGATE

EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55"
    "\u231a\u231b\u23e9-\u23fa\ufe0e\ufe0f\u200d\u20e3\U000e0020-\U000e007f]"
)
ENDING = re.compile(
    r"(?:(?<![.!?…])(?<!\bMr)(?<!\bMs)(?<!\bMrs)(?<!\bDr)(?<!\bSt)"
    r"[.!?…]++[\"')\]»”’]*+(?=\s)|[。！？；\n])"
)
"""A sentence's end; after ``3.`` or ``example.`` it is one only before a space."""
ENDED = re.compile(r"[.!?…][\"')\]»”’]{0,3}\s*\Z")
LONGEST_SENTENCE = 240
CLOSE_REASON_BYTES = 123
TYPICAL_MS_A_CHARACTER = 60
"""Of spoken English."""


def spoken(text: str) -> str:
    """Without what nobody can say."""
    return EMOJI.sub("", text)


def is_sayable(text: str) -> bool:
    """Whether there is a letter or a digit in it."""
    return any(character.isalnum() for character in text)


def sentences(draft: str) -> tuple[list[str], str]:
    """The finished sentences of a text that still grows, and the rest of it.

    What goes on too long for one is cut between two words.
    """
    found: list[str] = []
    while True:
        ending = ENDING.search(draft, 0, LONGEST_SENTENCE + 1)
        if ending is not None:
            cut = ending.end()
        elif len(draft) > LONGEST_SENTENCE:
            cut = draft.rfind(" ", 1, LONGEST_SENTENCE) + 1 or LONGEST_SENTENCE
        else:
            return found, draft
        found.append(draft[:cut])
        draft = draft[cut:]


def looks_ended(draft: str) -> bool:
    """Whether an unfinished sentence ends as a finished one does."""
    return ENDED.search(draft) is not None


def word_at(text: str, played_ms: int, total_ms: int | None) -> int:
    """The index of the word that is said when ``played_ms`` have been played.

    ``total_ms`` is how long all of it is; None when nobody knows yet.
    """
    words = len(text.split())
    if total_ms is None:
        total_ms = max(played_ms, len(text) * TYPICAL_MS_A_CHARACTER)
    return min(words, words * played_ms // max(1, total_ms))


def word_from(text: str, position: int) -> int:
    """The index of the word that begins at a character.

    Of a text that has no spaces it is the character's own.
    """
    if len(text.split()) == 1:
        return min(position, len(text))
    return len(text[:position].split())


def prose(text: str) -> str:
    """As much of it as an event may carry."""
    return SURROGATE.sub("�", text)[:TEXT_MAX]


def line(text: str) -> str:
    """As much of it as a name or a reason may be."""
    return _in_one_line(text)[:NAME_MAX]


def party(text: str) -> str:
    """As much of it as the address of a caller may be."""
    return _in_one_line(text)[:URL_MAX]


def headers_of(received: Mapping[str, str]) -> dict[str, str]:
    """As many of a far end's headers as an event may carry."""
    known = {
        name: _in_one_line(value)[:MAX_HEADER_VALUE]
        for name, value in received.items()
        if HEADER_NAME.match(name)
    }
    return dict(list(known.items())[:MAX_HEADERS])


def close_reason(text: str) -> str:
    """As much of it as a WebSocket's Close frame may carry."""
    return line(text).encode()[:CLOSE_REASON_BYTES].decode(errors="ignore")


def _in_one_line(text: str) -> str:
    return CONTROL.sub(" ", SURROGATE.sub("�", text))
