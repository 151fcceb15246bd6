"""What is said of a text, and in which pieces.

Markup is not interpreted: it is text.
"""

import re
import unicodedata
from collections.abc import Iterator

PIECE_MAX = 160
"""Characters: about ten seconds of speech."""
FIRST_MAX = 80
"""The first piece is what somebody waits for."""
WIDE = "。！？；"

_SILENT = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Me"))
_ABBREVIATIONS = frozenset(("mr", "mrs", "ms", "dr", "prof", "st", "vs", "e.g", "i.e"))
_END = re.compile(rf"[.!?…]+[\"'”’)\]]*\s+|[{WIDE}]+[”’」』）]*\s*|\n+")
_CLAUSE = re.compile(r"[,;:]\s+|\s[-–—]+\s+|[，、：]\s*")


def cleaned(text: str) -> str:
    """Without what nobody can say: pictures, control and formatting characters."""
    kept = (_said(char) for char in text)
    lines = "".join(kept).split("\n")
    return "\n".join(" ".join(line.split()) for line in lines).strip()


def pieces(text: str) -> list[str]:
    """Sentences, or parts of long ones; nothing that has no letter or digit."""
    found: list[str] = []
    for sentence in _sentences(cleaned(text)):
        limit = PIECE_MAX if found else FIRST_MAX
        found.extend(_shortened(sentence, limit))
    return [piece for piece in found if any(char.isalnum() for char in piece)]


def _said(char: str) -> str:
    if char in "\n\r\u2028\u2029":
        return "\n"
    if char.isspace():
        return " "
    category = unicodedata.category(char)
    is_picture = category == "So" and ord(char) >= 0x2190
    is_selector = 0xFE00 <= ord(char) <= 0xFE0F or 0x1F3FB <= ord(char) <= 0x1F3FF
    return "" if category in _SILENT or is_picture or is_selector else char


def _sentences(text: str) -> Iterator[str]:
    start = 0
    for end in _END.finditer(text):
        if not _is_abbreviation(text[start : end.start() + 1]):
            yield text[start : end.end()].strip()
            start = end.end()
    yield text[start:].strip()


def _is_abbreviation(sentence: str) -> bool:
    last = sentence.rsplit(None, 1)[-1].lower() if sentence.strip() else ""
    word = last[:-1].lstrip("(\"'")
    return last.endswith(".") and (word in _ABBREVIATIONS or len(word) == 1)


def _shortened(sentence: str, limit: int) -> Iterator[str]:
    while len(sentence) > limit:
        cut = _cut(sentence, limit)
        yield sentence[:cut].strip()
        sentence = sentence[cut:].strip()
        limit = PIECE_MAX
    yield sentence


def _cut(sentence: str, limit: int) -> int:
    """Behind the last clause that fits, or the last word, or right there."""
    clauses = [end.end() for end in _CLAUSE.finditer(sentence, 0, limit)]
    if clauses and clauses[-1] >= limit // 4:
        return clauses[-1]
    space = sentence.rfind(" ", 1, limit)
    return space if space > 0 else limit
