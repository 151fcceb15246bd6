"""Speech of which is known where it is, and what a telephone line adds to it.

Labels come from the clean voice alone, before anything is added: a window is speech
when more than half of it is within 35 dB of its voice's loud parts and 6 dB above the
noise of its recording; pauses up to 200 ms belong to the speech around them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from infra import wiring
from mediaworker.audio import g711
from mediaworker.audio.wav import Format, WavReader
from mediaworker.speech.espeak import Espeak
from mediaworker.speech.flite import VOICES as FLITE_VOICES
from mediaworker.speech.flite import Flite
from mediaworker.speech.ports import NotInstalled, Voice

Sound = NDArray[np.float32]
Labels = NDArray[np.bool_]

SAMPLES = wiring.ROOT / ".parley" / "models" / "speech-samples"
RECORDED = ("two_cities.wav", "beckett.wav")
ESPEAK_VOICES = ("en-us", "en-gb", "de", "fr-fr", "es")
SENTENCES = (
    "Good morning, you have reached the front desk. How may I help you?",
    "Yes.",
    "I would like to change my booking from Tuesday to the following Friday.",
    "One moment, please. Let me look that up for you.",
    "The number is four, seven, one, one, zero, eight.",
    "No, thank you, that was everything. Goodbye!",
)
RATE = 8000
WINDOW = 256
STEP = RATE // 100
LOUD, QUIET = 95, 5
"""Percentiles of the levels: what is called so."""
SPREAD_DB, ABOVE_NOISE_DB = 35, 6
"""How far below what is loud speech goes; how far above the recording's noise."""
LONGEST_PAUSE = 20
"""In steps of 10 ms."""
LEVEL = 10 ** (-26 / 20)
"""Of the voice where it speaks."""
NOISE_DB = 10
GAP_SECONDS = (0.6, 1.8)


@dataclass(frozen=True, slots=True)
class Stream:
    """A voice that speaks and is silent, with what is true of each window."""

    name: str
    sound: Sound
    labels: Labels
    gaps: tuple[slice, ...]
    """Where nobody speaks."""


def streams(random: np.random.Generator) -> list[Stream]:
    """Recorded people first, then every synthesised voice that is installed."""
    found = [(Path(name).stem, [_recorded(name)]) for name in RECORDED]
    for voice in _voices():
        found.append((voice.name, [_spoken(voice, text) for text in SENTENCES]))
    return [_stream(name, utterances, random) for name, utterances in found]


def _voices() -> Iterator[Voice]:
    families: Sequence[tuple[Callable[[], Flite | Espeak], Sequence[str]]] = (
        (Flite, FLITE_VOICES),
        (Espeak, ESPEAK_VOICES),
    )
    for family, names in families:
        try:
            engine = family()
        except NotInstalled:
            continue
        for name in names:
            voice = engine.named(name)
            if voice is not None:
                yield voice


def _recorded(name: str) -> Sound:
    reader, rate, pieces = WavReader(), 0, []
    for event in reader.feed((SAMPLES / name).read_bytes()):
        if isinstance(event, Format):
            rate = event.rate
        else:
            pieces.append(event)
    return _at_our_rate(np.concatenate(pieces), rate)


def _spoken(voice: Voice, text: str) -> Sound:
    pieces: list[NDArray[np.int16]] = []

    def hear(samples: NDArray[np.int16]) -> bool:
        pieces.append(samples.copy())
        return True

    voice.speak(text, 1.0, hear)
    return _at_our_rate(np.concatenate(pieces), voice.rate)


def _at_our_rate(samples: NDArray[np.int16], rate: int) -> Sound:
    sound = samples.astype(np.float32) / np.float32(32768)
    return np.asarray(soxr.resample(sound, rate, RATE), np.float32)


def _stream(
    name: str, utterances: Sequence[Sound], random: np.random.Generator
) -> Stream:
    """Each utterance at the same level, with a gap before it and one at the end."""
    parts: list[Sound] = []
    marks: list[Labels] = []
    gaps = []
    place = 0
    for utterance in (*utterances, None):
        silent = int(random.uniform(*GAP_SECONDS) * RATE) // STEP * STEP
        gaps.append(slice(place, place + silent))
        parts.append(np.zeros(silent, np.float32))
        marks.append(np.zeros(silent, np.bool_))
        place += silent
        if utterance is not None:
            whole = utterance[: len(utterance) // STEP * STEP]
            speaks = _labelled(whole)
            level = np.sqrt(np.mean(whole[speaks] ** 2))
            parts.append(whole * np.float32(LEVEL / level))
            marks.append(speaks)
            place += len(whole)
    sound, speaks = np.concatenate(parts), np.concatenate(marks)
    count = len(sound) // WINDOW
    end = count * WINDOW
    share = speaks[:end].reshape(count, WINDOW).mean(axis=1)
    gaps[-1] = slice(gaps[-1].start, end)
    return Stream(name, sound[:end], share > 0.5, tuple(gaps))


def _labelled(utterance: Sound) -> Labels:
    """Of each sample of a clean voice: whether it speaks."""
    energy = np.mean(utterance.reshape(-1, STEP) ** 2, axis=1)
    levels = 10 * np.log10(energy + 1e-12)
    loud, quiet = np.percentile(levels, (LOUD, QUIET))
    speaks = levels > max(loud - SPREAD_DB, quiet + ABOVE_NOISE_DB)
    places = np.flatnonzero(speaks)
    for before, after in zip(places, places[1:], strict=False):
        if after - before <= LONGEST_PAUSE + 1:
            speaks[before:after] = True
    return np.repeat(speaks, STEP)


def white(stream: Stream, random: np.random.Generator) -> Sound:
    return _with_noise(stream, random.normal(size=len(stream.sound)))


def pink(stream: Stream, random: np.random.Generator) -> Sound:
    """As loud in each octave."""
    spectrum = np.fft.rfft(random.normal(size=len(stream.sound)))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
    return _with_noise(stream, np.fft.irfft(spectrum, len(stream.sound)))


def _with_noise(stream: Stream, noise: NDArray[np.float64]) -> Sound:
    level = LEVEL * 10 ** (-NOISE_DB / 20) / np.sqrt(np.mean(noise**2))
    noisy: Sound = (stream.sound + noise * level).astype(np.float32)
    return noisy


def keys(stream: Stream, random: np.random.Generator) -> Sound:
    """Telephone keys are pressed while nobody speaks: 100 ms each, 100 ms apart."""
    rows, columns = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
    sound = stream.sound.copy()
    tone = np.arange(RATE // 10) * (2 * np.pi / RATE)
    for gap in stream.gaps:
        for start in range(gap.start, gap.stop - 2 * len(tone), 2 * len(tone)):
            pair = random.choice(rows), random.choice(columns)
            both = sum(np.sin(tone * frequency) for frequency in pair)
            sound[start : start + len(tone)] += (both * LEVEL).astype(np.float32)
    return sound


def music(stream: Stream, random: np.random.Generator) -> Sound:
    """Chords of plucked strings while nobody speaks."""
    sound = stream.sound.copy()
    for gap in stream.gaps:
        for start in range(gap.start, gap.stop, RATE // 2):
            end = min(start + RATE // 2, gap.stop)
            sound[start:end] += _chord((end - start) / RATE, random)
    return sound


def _chord(seconds: float, random: np.random.Generator) -> Sound:
    moments = np.arange(round(seconds * RATE)) / RATE
    root = 110 * 2 ** (random.integers(0, 24) / 12)
    total = np.zeros(len(moments))
    for semitones in (0, random.choice((3, 4)), 7):
        for harmonic in range(1, 7):
            frequency = root * 2 ** (semitones / 12) * harmonic
            fading = np.exp(-moments * (2 + harmonic))
            total += np.sin(2 * np.pi * frequency * moments) * fading / harmonic
    return (total * LEVEL).astype(np.float32)


def over_the_line(sound: Sound) -> Sound:
    """There and back as G.711."""
    samples = np.clip(np.rint(sound * 32768), -32768, 32767).astype(np.int16)
    return g711.decode_floats(g711.encode(samples))
