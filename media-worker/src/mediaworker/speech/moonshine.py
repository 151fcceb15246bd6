"""Moonshine tiny-en: English speech into text, on one core, without a network."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from mediaworker.speech.languages import primary
from mediaworker.speech.ports import HEARING_RATE, Heard, NotInstalled
from mediaworker.speech.vocabulary import Vocabulary

LANGUAGE = "en"
ENCODER, DECODER, WORDS = (
    "encoder_model.ort",
    "decoder_model_merged.ort",
    "tokenizer.bin",
)
HEADS, WIDTH = 8, 36
BEGIN, END = 1, 2
TOKENS_PER_SECOND = 6.5
SPARE_TOKENS = 4
LEAD, TAIL = HEARING_RATE // 10, HEARING_RATE // 5
"""Silence around an utterance: it was taught with some."""
SHORTEST = HEARING_RATE * 3 // 20
"""In less nobody has said anything, but it would hear something."""
WINDOW = HEARING_RATE // 50
FAINTEST = 0.0003
"""The level of the loudest tenth, below which it is silence: -70 dBFS."""
STEADY = 1.3
"""Loudest over faintest: speech goes up and down, the noise of a line does not."""
INVENTED = "♪©"
"""It was taught with subtitles, and writes these where nobody speaks."""
REPEATS = 4
LONGEST_REPEATED = 8

Tokens = NDArray[np.int64]


class Moonshine:
    """A `Recogniser`; raises `NotInstalled`."""

    def __init__(self, folder: Path) -> None:
        if not all((folder / name).is_file() for name in (ENCODER, DECODER, WORDS)):
            raise NotInstalled("the model moonshine-tiny-en")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = False
        self._encoder = _session(folder / ENCODER, options)
        self._decoder = _session(folder / DECODER, options)
        self._inputs = [each.name for each in self._decoder.get_inputs()]
        self._outputs = [each.name for each in self._decoder.get_outputs()]
        self._words = Vocabulary.read(folder / WORDS)

    def understands(self, language: str) -> bool:
        return primary(language) == LANGUAGE

    def transcribe(self, utterances: Sequence[Heard]) -> list[str]:
        spoken = [at for at, each in enumerate(utterances) if not is_silent(each)]
        texts = [""] * len(utterances)
        if spoken:
            padded = [np.pad(utterances[at], (LEAD, TAIL)) for at in spoken]
            for at, tokens in zip(spoken, self._tokens(padded), strict=True):
                texts[at] = credible(self._words.text(unrepeated(tokens)))
        return texts

    def _tokens(self, utterances: Sequence[Heard]) -> list[list[int]]:
        longest = max(len(each) for each in utterances)
        audio = np.zeros((len(utterances), longest), np.float32)
        mask = np.zeros((len(utterances), longest), np.int64)
        for row, each in enumerate(utterances):
            audio[row, : len(each)] = each
            mask[row, : len(each)] = 1
        (hidden,) = self._encoder.run(
            None, {"input_values": audio, "attention_mask": mask}
        )
        # The decoder takes the mask of the audio too, and thins it out itself.
        return self._decode(hidden, mask, [_most_tokens(len(x)) for x in utterances])

    def _decode(
        self, hidden: NDArray[np.float32], mask: Tokens, limits: Sequence[int]
    ) -> list[list[int]]:
        count = len(limits)
        texts: list[list[int]] = [[] for _ in limits]
        is_done = [False] * count
        given: dict[str, Any] = {
            "encoder_hidden_states": hidden,
            "encoder_attention_mask": mask,
            **self._past(count),
        }
        tokens = np.full((count, 1), BEGIN, np.int64)
        for step in range(max(limits)):
            given["input_ids"] = tokens
            given["use_cache_branch"] = np.array([step > 0])
            scores = self._step(given, is_first=step == 0)
            best = scores[:, -1].argmax(-1)
            for row, token in enumerate(best.tolist()):
                is_done[row] = is_done[row] or token == END or step >= limits[row]
                if not is_done[row]:
                    texts[row].append(token)
            if all(is_done):
                break
            tokens = best[:, None].astype(np.int64)
        return texts

    def _step(self, given: dict[str, Any], *, is_first: bool) -> NDArray[np.float32]:
        feed = {name: given[name] for name in self._inputs}
        scores, *present = self._decoder.run(None, feed)
        for name, value in zip(self._outputs[1:], present, strict=True):
            # What it knows of the encoder's side is only told by the first step.
            if is_first or "encoder" not in name:
                given[name.replace("present", "past_key_values")] = value
        return scores  # type: ignore[no-any-return]

    def _past(self, count: int) -> Mapping[str, NDArray[np.float32]]:
        nothing = np.zeros((count, HEADS, 0, WIDTH), np.float32)
        return {name: nothing for name in self._inputs if name.startswith("past")}


def is_silent(samples: Heard) -> bool:
    """Whether there is nothing to hear, where it would hear something all the same."""
    if len(samples) < SHORTEST:
        return True
    whole = samples[: len(samples) // WINDOW * WINDOW].reshape(-1, WINDOW)
    levels = np.sqrt(np.mean(np.square(whole), axis=1))
    faint, loud, loudest = np.quantile(levels, [0.05, 0.9, 0.95])
    return bool(loud < FAINTEST or loudest < STEADY * faint)


def credible(text: str) -> str:
    """The text, or nothing when no speech sounds like that."""
    is_invented = any(sign in text for sign in INVENTED)
    return text if not is_invented and any(map(str.isalnum, text)) else ""


def unrepeated(tokens: Sequence[int]) -> Sequence[int]:
    """Until where it began to say the same over and over again."""
    for start in range(len(tokens)):
        for size in range(1, LONGEST_REPEATED + 1):
            phrase = tokens[start : start + size]
            again = tokens[start : start + size * REPEATS]
            if list(again) == list(phrase) * REPEATS:
                return tokens[: start + size]
    return tokens


def _session(
    path: Path, options: onnxruntime.SessionOptions
) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )


def _most_tokens(samples: int) -> int:
    return int(samples / HEARING_RATE * TOKENS_PER_SECOND) + SPARE_TOKENS
