"""What the speech process takes from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

MODELS = ".parley/models"
CACHE = ".parley/cache/tts"
CACHE_MB = "256"
MOONSHINE = "moonshine-tiny-en"
SMART_TURN = "smart-turn-v3.2-cpu.onnx"


class BadSpeechSetting(ValueError):
    """One sentence that says which variable is wrong, and why."""


@dataclass(frozen=True, slots=True)
class SpeechSettings:
    """Where things are, and what is allowed."""

    models: Path
    cache: Path
    cache_bytes: int
    allows_loopback: bool

    @property
    def moonshine(self) -> Path:
        return self.models / MOONSHINE

    @property
    def smart_turn(self) -> Path:
        return self.models / SMART_TURN

    @classmethod
    def parse(cls, environment: Mapping[str, str]) -> Self:
        """Raises `BadSpeechSetting`."""
        size = environment.get("PARLEY_MEDIA_CACHE_MB", CACHE_MB)
        if not size.isascii() or not size.isdigit() or len(size) > 7:
            raise BadSpeechSetting(
                f"PARLEY_MEDIA_CACHE_MB is a number of megabytes, not {size!r}."
            )
        return cls(
            models=Path(environment.get("PARLEY_MODELS") or MODELS),
            cache=Path(environment.get("PARLEY_MEDIA_CACHE") or CACHE),
            cache_bytes=int(size) << 20,
            allows_loopback=environment.get("PARLEY_ENV") == "development",
        )
