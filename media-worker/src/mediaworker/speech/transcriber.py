"""Utterances into texts, in a thread: long ones in parts, the bad ones alone."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mediaworker.speech import cutting
from mediaworker.speech.ear import hearable
from mediaworker.speech.ports import HEARING_RATE, Heard, Recogniser

logger = logging.getLogger(__name__)

SETTLED_MAX = 16

Outcome = str | Exception
Part = tuple[int, int]
"""From which sample to which at 16 kHz, since the stream began."""


@dataclass(slots=True)
class Utterance:
    """What is to be transcribed; the same one may be asked about again and again."""

    settled: dict[Part, str]
    """The texts of parts that will not change, kept between two questions."""
    from_ms: int
    samples: bytes = field(repr=False)
    rate: int
    audio: Heard | None = None
    parts: list[Part] = field(default_factory=list)

    def prepare(self) -> None:
        self.audio = hearable(self.samples, self.rate)
        self.parts = cutting.parts(self.audio)

    def unsettled(self) -> list[Part]:
        return [part for part in self.parts if self._key(part) not in self.settled]

    def heard(self, part: Part) -> Heard:
        assert self.audio is not None
        return self.audio[part[0] : part[1]]

    def text(self, new: Mapping[Part, str]) -> str:
        """All of it; what cannot change any more is kept."""
        texts = []
        for part in self.parts:
            key = self._key(part)
            texts.append(new[part] if part in new else self.settled[key])
            if part is not self.parts[-1]:
                self.settled[key] = texts[-1]
        if len(self.settled) > SETTLED_MAX:
            self.settled.clear()
        return " ".join(text for text in texts if text)

    def _key(self, part: Part) -> Part:
        first = self.from_ms * HEARING_RATE // 1_000
        return (first + part[0], first + part[1])


class Transcriber:
    """Around a recogniser."""

    def __init__(self, recogniser: Recogniser) -> None:
        self._recogniser = recogniser

    def understands(self, language: str) -> bool:
        return self._recogniser.understands(language)

    def warm_up(self) -> None:
        """The first takes longer: nobody shall wait for it."""
        noise = np.random.default_rng(0).normal(0, 0.1, HEARING_RATE)
        noise *= np.linspace(0, 1, HEARING_RATE)
        self._recogniser.transcribe([noise.astype(np.float32)])

    def transcribe(self, utterances: Sequence[Utterance]) -> list[Outcome]:
        """One that fails does not take the others with it."""
        try:
            return list(self._together(utterances))
        except Exception:
            return [self._alone(each) for each in utterances]

    def _alone(self, utterance: Utterance) -> Outcome:
        try:
            return self._together([utterance])[0]
        except Exception as error:
            logger.exception("transcription failed")
            return error

    def _together(self, utterances: Sequence[Utterance]) -> list[str]:
        wanted: list[tuple[int, Part]] = []
        for row, utterance in enumerate(utterances):
            utterance.prepare()
            wanted += [(row, part) for part in utterance.unsettled()]
        heard = [utterances[row].heard(part) for row, part in wanted]
        texts = self._recogniser.transcribe(heard) if heard else []
        new: list[dict[Part, str]] = [{} for _ in utterances]
        for (row, part), text in zip(wanted, texts, strict=True):
            new[row][part] = text
        return [each.text(found) for each, found in zip(utterances, new, strict=True)]
