"""TgoRTC's five languages, chosen as browsers ask for them."""

import string

import pytest

from chalicelib.dialects.tgortc.messages import LANGUAGES, TEXTS, language_of, text


@pytest.mark.parametrize(
    ("headers", "query", "language"),
    [
        ({}, {}, "zh-CN"),
        ({"x-language": "en-US"}, {"lang": "fr-FR"}, "en-US"),
        ({"x-language": "tlh"}, {"lang": "fr-FR"}, "zh-CN"),
        ({"accept-language": "ja-JP"}, {"lang": "fr-FR"}, "fr-FR"),
        ({"accept-language": "ja"}, {}, "ja-JP"),
        ({"accept-language": "de-DE,de;q=0.9,fr;q=0.8,en;q=0.7"}, {}, "fr-FR"),
        ({"accept-language": "en;q=0.5, ja;q=0.9"}, {}, "ja-JP"),
        ({"accept-language": "en;q=0, zh-TW;q=0.1"}, {}, "zh-TW"),
        ({"accept-language": "zh-Hant-HK"}, {}, "zh-TW"),
        ({"accept-language": "zh-HK"}, {}, "zh-TW"),
        ({"accept-language": "zh"}, {}, "zh-CN"),
        ({"accept-language": "*"}, {}, "zh-CN"),
        ({"accept-language": "en;q=high, fr;level=1"}, {}, "fr-FR"),
        ({"accept-language": ";;,,=;q"}, {}, "zh-CN"),
        ({"accept-language": "EN-us"}, {}, "en-US"),
    ],
)
def test_language_is_the_one_asked_for(
    headers: dict[str, str], query: dict[str, str], language: str
) -> None:
    assert language_of(headers, query) == language


@pytest.mark.parametrize("key", TEXTS)
def test_text_says_the_same_in_every_language(key: str) -> None:
    assert tuple(TEXTS[key]) == LANGUAGES
    fields = {
        tuple(field for _, field, _, _ in string.Formatter().parse(text) if field)
        for text in TEXTS[key].values()
    }
    assert len(fields) == 1


def test_text_of_an_argument_with_braces_is_the_argument() -> None:
    assert text("room_not_found", "en-US", "{0}") == "Room not found: {0}"
