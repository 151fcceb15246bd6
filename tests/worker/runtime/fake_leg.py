"""A leg whose far end is the test."""

from collections import deque
from dataclasses import dataclass, field, replace

from chalicelib.protocol.session.vocabulary import CallType, Codec
from mediaworker.runtime.legs import Holder, LegMaker, Legs, LegStatistics
from mediaworker.runtime.wires import WIRES, Wire
from mediaworker.session.legs import (
    Answered,
    AnswerOffer,
    DeclineCall,
    Declined,
    DropLeg,
    LegEffect,
    LegEnded,
    LegEvent,
    LegLost,
    MediaAgreed,
    MediaArrived,
    PressKeys,
    TakeCall,
)

ANSWER = "v=0\r\n"


@dataclass(eq=False)
class FakeSource:
    """Frames that the test puts in; None in a slot that has none."""

    frames: deque[bytes] = field(default_factory=deque)
    more: deque[bytes] = field(default_factory=deque)
    is_silent: bool = False
    error: Exception | None = None

    def take(self) -> bytes | None:
        if self.error is not None:
            raise self.error
        return self.frames.popleft() if self.frames else None

    def take_more(self) -> bytes | None:
        return self.more.popleft() if self.more else None


@dataclass(eq=False)
class FakeLeg:
    """Remembers all that it is asked, and answers an offer at once.

    Whatever else the far end does, the test says by `tell`.
    """

    holder: Holder
    wire: Wire
    codec: Codec = Codec.OPUS
    has_keys: bool = True
    source: FakeSource = field(default_factory=FakeSource)
    statistics: LegStatistics = LegStatistics()
    obeyed: list[LegEffect] = field(default_factory=list)
    sent: dict[int, bytes | None] = field(default_factory=dict)
    """Slot -> its frame; None for silence."""
    errors: dict[str, Exception] = field(default_factory=dict)
    """Method -> what it raises."""
    is_slow: bool = False
    is_open: bool = True
    is_agreed: bool = False
    is_over: bool = False

    def tell(self, event: LegEvent) -> None:
        """Unless it is over, as it may be by what it tells."""
        if not self.is_over:
            self.is_over = isinstance(event, Declined | LegEnded | LegLost)
            self.holder.tell(event)

    def agree(self) -> None:
        """Media, and the answer."""
        if not self.is_agreed:
            self.is_agreed = True
            self.tell(MediaAgreed(self.codec, self.has_keys))
            self.tell(Answered(ANSWER))

    def speak(self, *frames: bytes) -> None:
        """The far end sends so much, a frame for each slot."""
        self.source.frames += frames
        if self.statistics.packets_received == 0:
            self.tell(MediaArrived())
        received = self.statistics.packets_received + len(frames)
        self.statistics = replace(self.statistics, packets_received=received)

    @property
    def audio(self) -> list[bytes]:
        """What the far end was sent, without the silence between."""
        return [frame for frame in self.sent.values() if frame is not None]

    @property
    def drops(self) -> int:
        """How often it was dropped."""
        return sum(isinstance(effect, DropLeg) for effect in self.obeyed)

    @property
    def pressed(self) -> str:
        """The digits that it was to send."""
        return "".join(e.digits for e in self.obeyed if isinstance(e, PressKeys))

    def obey(self, effect: LegEffect) -> None:
        self.obeyed.append(effect)
        self._fail("obey")
        self._fail(type(effect).__name__)
        if isinstance(effect, DropLeg | DeclineCall):
            self.is_over = True
        elif isinstance(effect, AnswerOffer | TakeCall):
            self.agree()

    def send_audio(self, frame: bytes, slot: int) -> bool:
        self._fail("send_audio")
        return not self.is_slow and self._send(frame, slot)

    def send_silence(self, slot: int) -> None:
        self._fail("send_silence")
        self._send(None, slot)

    def _send(self, frame: bytes | None, slot: int) -> bool:
        if self.is_over or not self.is_agreed:
            return False
        assert slot not in self.sent, "one of the two in each slot"
        self.sent[slot] = frame
        sent = self.statistics.packets_sent + (frame is not None)
        self.statistics = replace(self.statistics, packets_sent=sent)
        return True

    def _fail(self, method: str) -> None:
        error = self.errors.get(method)
        if error is not None:
            raise error


@dataclass(eq=False)
class FakeLegs:
    """Makes them, and knows each by its session."""

    codec: Codec = Codec.OPUS
    wire: Wire = WIRES[Codec.PCM]
    made: dict[str, FakeLeg] = field(default_factory=dict)
    first: tuple[LegEvent, ...] = ()
    """Told while the leg is made."""
    refusal: Exception | None = None

    def make(self, holder: Holder) -> FakeLeg:
        if self.refusal is not None:
            raise self.refusal
        leg = FakeLeg(holder, self.wire, self.codec)
        self.made[holder.session_id] = leg
        for event in self.first:
            leg.tell(event)
        return leg

    @property
    def last(self) -> FakeLeg:
        """The one that was made last."""
        return self.made[next(reversed(self.made))]

    @property
    def makers(self) -> Legs:
        maker: LegMaker = self.make
        return {CallType.WEBRTC: maker, CallType.SIP: maker}
