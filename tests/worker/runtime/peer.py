"""A socket that remembers."""

from dataclasses import dataclass, field


@dataclass(eq=False)
class FakePeer:
    """Takes all that it is sent, unless it is told to be slow."""

    texts: list[str] = field(default_factory=list)
    audio: list[bytes] = field(default_factory=list)
    is_paused: bool = False
    is_slow: bool = False
    closed: tuple[int, str] | None = None

    def send_text(self, text: str) -> None:
        self.texts.append(text)

    def send_audio(self, payload: bytes) -> bool:
        if not self.is_slow:
            self.audio.append(payload)
        return not self.is_slow

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False

    def close(self, code: int, reason: str) -> None:
        self.closed = self.closed or (code, reason)
