"""Language tags as they come, and the language that a text seems to be in."""

import unicodedata

DEFAULT = "en"

NAMES = {
    "english": "en",
    "chinese": "zh",
    "mandarin": "zh",
    "cantonese": "yue",
    "german": "de",
    "spanish": "es",
    "french": "fr",
    "italian": "it",
    "japanese": "ja",
    "korean": "ko",
    "russian": "ru",
    "portuguese": "pt",
}
SCRIPTS = {
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
    "CJK": "zh",
    "CYRILLIC": "ru",
    "ARABIC": "ar",
    "HEBREW": "he",
    "GREEK": "el",
    "DEVANAGARI": "hi",
    "BENGALI": "bn",
    "TAMIL": "ta",
    "THAI": "th",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
}
KANA = ("HIRAGANA", "KATAKANA")


def tag(language: str | None) -> str | None:
    """As the engines take it: ``zh_CN`` becomes ``zh-cn``, ``English`` ``en``."""
    if not language or not language.strip():
        return None
    lower = language.strip().lower().replace("_", "-")
    return NAMES.get(lower, lower)


def primary(language: str) -> str:
    """The language without its country."""
    return language.partition("-")[0]


def guessed(text: str) -> str:
    """By the script of most letters: of Latin ones nothing can be told."""
    counts: dict[str, int] = {}
    for char in text:
        if char.isalpha():
            script = unicodedata.name(char, "").partition(" ")[0]
            counts[script] = counts.get(script, 0) + 1
    if any(kana in counts for kana in KANA):
        return "ja"
    if not counts:
        return DEFAULT
    return SCRIPTS.get(max(counts, key=lambda script: counts[script]), DEFAULT)
