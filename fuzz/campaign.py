"""A run of one target over many inputs."""

import hashlib
import importlib
import itertools
import time
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from fuzz.mutation import inputs

CORPUS = Path(__file__).parent / "corpus"
TARGETS = (
    "clients",
    "commands",
    "dialects",
    "edge",
    "files",
    "gateway",
    "identity",
    "providers",
    "rtp",
    "sdp",
    "sip",
    "urls",
    "webrtc",
)


@dataclass(frozen=True, slots=True)
class Crash:
    """An input, and what it did."""

    data: bytes
    error: BaseException

    @property
    def name(self) -> str:
        return hashlib.sha256(self.data).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Result:
    """How far it came; a run ends with its first crash."""

    tried: int
    crash: Crash | None = None


def run(
    target: str, seed: int, *, most: int | None = None, seconds: float | None = None
) -> Result:
    """Until so many inputs were tried, so long has passed, or one crashed."""
    module = importlib.import_module(f"fuzz.{target}")
    ends_at = None if seconds is None else time.monotonic() + seconds
    with getattr(module, "world", nullcontext)():
        return _tried(module.one_input, _bounded(target, seed, most), ends_at)


def _tried(
    one_input: Callable[[bytes], None],
    candidates: Iterable[bytes],
    ends_at: float | None,
) -> Result:
    tried = 0
    for data in candidates:
        if ends_at is not None and time.monotonic() >= ends_at:
            break
        tried += 1
        try:
            one_input(data)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            return Result(tried, Crash(data, error))
    return Result(tried)


def corpus_of(target: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]


def _bounded(target: str, seed: int, most: int | None) -> Iterable[bytes]:
    return itertools.islice(inputs(seed, corpus_of(target)), most)
