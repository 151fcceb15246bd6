"""Which voice says a text, of all that are installed."""

import logging
from collections.abc import Callable, Sequence

from chalicelib.protocol.session.speech import SynthesisOption
from mediaworker.speech import languages
from mediaworker.speech.espeak import Espeak
from mediaworker.speech.flite import Flite
from mediaworker.speech.pico import Pico
from mediaworker.speech.ports import EMBEDDED, Engine, Failure, NotInstalled, Voice

logger = logging.getLogger(__name__)

KNOWN: Sequence[Callable[[], Engine]] = (Pico, Flite, Espeak)
"""The best first."""
UNAVAILABLE = 503
NOT_IMPLEMENTED = 501


def installed(known: Sequence[Callable[[], Engine]] = KNOWN) -> list[Engine]:
    """Those that this machine has."""
    found = []
    for engine in known:
        try:
            found.append(engine())
        except NotInstalled as missing:
            logger.info("voice is not installed", extra={"lacks": str(missing)})
    return found


class Voices:
    """All engines as one."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        self._engines = engines

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(engine.name for engine in self._engines)

    def choose(self, option: SynthesisOption, text: str) -> Voice:
        """Raises `Failure` for a provider that is not one of ours, or without any.

        A speaker that nobody knows, or who does not speak the text's language, leaves
        the choice to us.
        """
        engines = self._of(option.provider)
        language = languages.tag(option.language) or languages.guessed(text)
        for speaker in (option.speaker, option.model):
            voice = _named(engines, speaker, language, option.language is None)
            if voice is not None:
                return voice
        for tag in (language, languages.DEFAULT):
            voice = _first(engines, tag) or _first(self._engines, tag)
            if voice is not None:
                return voice
        raise Failure("no voice is installed on this worker", UNAVAILABLE)

    def _of(self, provider: str | None) -> Sequence[Engine]:
        if provider is None or provider.lower() == EMBEDDED:
            return self._engines
        named = [each for each in self._engines if each.name == provider.lower()]
        if not named:
            raise Failure(
                f"the provider {provider!r} is not available on this worker",
                NOT_IMPLEMENTED,
            )
        return named


def _first(engines: Sequence[Engine], language: str) -> Voice | None:
    found = (engine.speaks(language) for engine in engines)
    return next((voice for voice in found if voice is not None), None)


def _named(
    engines: Sequence[Engine], speaker: str | None, language: str, is_guess: bool
) -> Voice | None:
    """Latin letters tell no language, so there a speaker's own is as good a guess."""
    if not speaker:
        return None
    may_be_any = is_guess and language == languages.DEFAULT
    for engine in engines:
        voice = engine.named(speaker)
        if voice is not None and (may_be_any or engine.speaks(language) is not None):
            return voice
    return None
