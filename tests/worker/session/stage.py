"""A session on a stage: what is said to it, what it tells, and a clock to wind.

stage = Stage().invite(tts={})
stage.say("Hello", play_id="a").supply(1, ms=40).make(1)
assert stage.play_out(100) == 2
assert stage.told() == ["trackStart a", "trackEnd a"]
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from chalicelib.protocol.session.codec import as_text, parse_command
from chalicelib.protocol.session.commands import Command
from chalicelib.protocol.session.events import Event, Failed, Metrics
from chalicelib.protocol.session.query import SessionQuery
from chalicelib.protocol.session.vocabulary import CallType
from mediaworker.session.effects import AskText, Effect
from mediaworker.session.identity import Identity
from mediaworker.session.legs import LegEffect, LegEvent
from mediaworker.session.machine import Session
from mediaworker.session.rules import Rules
from mediaworker.speech.replies import Broken, Chunk, Made, Misheard, Text
from tests.protocol.session.schema_faults import check_told

EPOCH_MS = 1_700_000_000_000
"""When the stage's clock stands at 0."""
FRAME_SECONDS = 0.02
WINDOW_MS = 32
SESSION_ID = "s1"
TRACK = "serverSideTrack"
SSRC = 77

E = TypeVar("E", bound=Event)
F = TypeVar("F", bound=Effect)


def identity(call_type: CallType = CallType.WEBSOCKET) -> Identity:
    return Identity(SESSION_ID, "acme", "app", call_type, "w1", 3, SSRC, TRACK)


class Stage:
    """One session, with everything around it played by the test."""

    def __init__(
        self,
        call_type: CallType = CallType.WEBSOCKET,
        *,
        rules: Rules | None = None,
        codec: str = "",
        ping: str = "0",
        listen: str = "",
    ) -> None:
        self.call_type = call_type
        self.now = 100.0
        self.events: list[Event] = []
        """All that was told."""
        self.effects: list[Effect] = []
        """All that was wanted."""
        self.heard_ms = 0
        self._seen = 0
        self.session = Session(
            identity(call_type),
            SessionQuery.parse({"ping": ping, "codec": codec, "listen": listen}),
            epoch_at_zero_ms=EPOCH_MS,
            now=self.now,
            rules=rules or Rules(),
        )

    # What the application does

    def receive(self, command: Command) -> "Stage":
        self.session.receive(command, self.now)
        return self._drain()

    def send(self, name: str, **fields: Any) -> "Stage":
        """A command as the application writes it."""
        return self.receive(parse_command(as_text({"command": name, **fields})))

    def invite(self, **option: Any) -> "Stage":
        return self.send("invite", option=option)

    def say(self, text: str, **fields: Any) -> "Stage":
        return self.send("tts", text=text, **fields)

    # What the world does

    def tell(self, *events: LegEvent) -> "Stage":
        """Its leg does, one after the other."""
        for event in events:
            self.session.leg_told(event, self.now)
            self._drain()
        return self

    def supply(self, job: int, ms: int, sample: int = 1) -> "Stage":
        audio = sample.to_bytes(2, "little") * (ms * self.session.rate // 1_000)
        self.session.speech_told(Chunk(job, audio), self.now)
        return self._drain()

    def make(self, job: int, total_ms: int = 40, **fields: Any) -> "Stage":
        reply = Made(job, "embedded", total_ms, 12, 34, **fields)
        self.session.speech_told(reply, self.now)
        return self._drain()

    def break_(self, job: int, sentence: str = "no", code: int = 500) -> "Stage":
        self.session.speech_told(Broken(job, "embedded", sentence, code), self.now)
        return self._drain()

    def answer(
        self, text: str, utterance: int = 1, *, is_final: bool = True
    ) -> "Stage":
        reply = Text(1, 1, utterance, text, "embedded", is_final, 80)
        self.session.speech_told(reply, self.now)
        return self._drain()

    def mishear(self, utterance: int = 1) -> "Stage":
        self.session.speech_told(
            Misheard(1, 1, utterance, "embedded", "no", 500), self.now
        )
        return self._drain()

    def hear(self, ms: int, probability: float = 0.9) -> "Stage":
        """So much of the caller's audio, window by window, as time goes by."""
        for _ in range(ms // WINDOW_MS):
            self.now += WINDOW_MS / 1_000
            self.heard_ms += WINDOW_MS
            self.session.hear(probability, self.heard_ms, self.now)
        return self._drain()

    def hush(self, ms: int) -> "Stage":
        return self.hear(ms, 0.0)

    def frame(self) -> bytes | None:
        frame = self.session.take_frame(self.now)
        self.now += FRAME_SECONDS
        self._drain()
        return frame

    def play_out(self, ms: int) -> int:
        """How many frames there were."""
        return sum(self.frame() is not None for _ in range(ms // 20))

    def wait(self, seconds: float) -> "Stage":
        """Time goes by, and every timer is handled when it is due."""
        until = self.now + seconds
        while (at := self.session.timer()) is not None and at <= until:
            self.now = max(self.now, at)
            self.session.handle_timer(self.now)
            self._drain()
        self.now = until
        return self

    # What the session has done since it was asked last

    def told(self, *, with_metrics: bool = False) -> list[str]:
        """The events in a few words each."""
        new, self._seen = self.events[self._seen :], len(self.events)
        return [
            words(event)
            for event in new
            if with_metrics or not isinstance(event, Metrics)
        ]

    def last(self, kind: type[E]) -> E:
        return next(event for event in reversed(self.events) if type(event) is kind)

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if type(event) is kind]

    def wanted(self, kind: type[F]) -> list[F]:
        return [effect for effect in self.effects if type(effect) is kind]

    def asked(self) -> list[tuple[int, int, int, bool]]:
        """The texts that were asked for."""
        return [
            (ask.utterance, ask.from_ms, ask.to_ms, ask.is_final)
            for ask in self.wanted(AskText)
        ]

    def leg_was_asked(self) -> list[LegEffect]:
        """All that its leg was to do."""
        return [effect for effect in self.effects if isinstance(effect, LegEffect)]

    def settle(self) -> "Stage":
        """Take what is left of the session's doing."""
        return self._drain()

    def _drain(self) -> "Stage":
        told = self.session.events()
        for event in told:
            check_told(event)
        self.events += told
        self.effects += self.session.effects()
        return self


def words(event: Event) -> str:
    """``trackEnd a``, ``error tts 500``, ``speaking``."""
    if isinstance(event, Failed):
        return f"error {event.sender} {event.code}"
    parts: Mapping[str, str] = {"play_id": "", "text": "", "key": "", "digit": ""}
    found = [str(getattr(event, part, "") or "") for part in parts]
    shown = " ".join([event.event, *filter(None, found)])
    is_callers = getattr(event, "track_id", None) == SESSION_ID
    return (
        f"{shown} (call)" if is_callers and event.event.startswith("track") else shown
    )
