"""Words that say nothing but that somebody thinks, or listens."""

from collections.abc import Mapping

WORDS = {
    "en": "ah eh er erm hm hmm huh mhm mm mmm oh uh uhm uhh um umm",
    "zh": "嗯 嗯嗯 呃 额 啊 哦 噢 唔 那个 嗯哼",
    "ja": "えー ええと えっと あの あのー うーん んー ああ",
    "de": "äh ähm hm hmm mhm öh ähh tja ah oh",
    "fr": "euh heu hum hmm bah ben ah oh",
    "es": "eh em este mmm hmm ah oh pues",
    "it": "ehm eh uhm mmm boh ah oh",
    "pt": "hã hum hmm éh ah oh",
    "ru": "э ээ эм ммм мм гм ну а",
    "nl": "eh ehm uh uhm hm hmm ah oh",
}
FILLERS: Mapping[str, frozenset[str]] = {
    language: frozenset(words.split()) for language, words in WORDS.items()
}
NONE: frozenset[str] = frozenset()
WHERE_UNKNOWN = FILLERS["en"] | FILLERS["zh"]
"""Where nobody has said what is spoken."""


def is_filler(text: str, language: str | None) -> bool:
    """Whether the text is nothing else; never in a language that is not known here."""
    known = WHERE_UNKNOWN
    if language:
        known = FILLERS.get(language.lower().replace("_", "-").partition("-")[0], NONE)
    words = "".join(map(_letter, text.lower())).split()
    return bool(words) and all(word in known for word in words)


def _letter(character: str) -> str:
    return character if character.isalpha() or character == "ー" else " "
