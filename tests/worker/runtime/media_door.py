"""A way out to media servers that the test plays itself."""

import json
from dataclasses import dataclass, field
from typing import Any

from chalicelib.protocol.session.options import MediaPassOption
from mediaworker.runtime.passes import MediaEar
from mediaworker.session.passing import PassResumed


@dataclass
class FakeServer:
    """One socket: what it was sent, and whom it speaks to."""

    option: MediaPassOption
    ear: MediaEar
    packets: list[bytes] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    is_slow: bool = False
    last_text: str | None = None
    is_closed: bool = False

    def send_audio(self, packet: bytes) -> bool:
        if not self.is_slow:
            self.packets.append(packet)
        return not self.is_slow

    def send_text(self, text: str) -> None:
        self.texts.append(text)

    def close(self, last_text: str | None) -> None:
        self.last_text, self.is_closed = last_text, True

    def open(self, resumed: PassResumed | None = None) -> "FakeServer":
        self.ear.opened(self, resumed)
        return self

    def say(self, **said: Any) -> None:
        self.ear.read(json.dumps(said).encode())

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.texts]


@dataclass
class FakeDoor:
    """Opens nothing by itself."""

    servers: list[FakeServer] = field(default_factory=list)

    def open(self, option: MediaPassOption, ear: MediaEar) -> FakeServer:
        self.servers.append(FakeServer(option, ear))
        return self.servers[-1]
