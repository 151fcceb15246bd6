"""A session's place in the tick: what it hears there, and what it sends."""

from mediaworker.runtime.bridge import Side
from mediaworker.runtime.carriers import Carrier
from mediaworker.runtime.house import House
from mediaworker.runtime.legs import Leg, Source
from mediaworker.runtime.life import Life
from mediaworker.runtime.passes import Pass, mixed
from mediaworker.runtime.ports import SessionView
from mediaworker.runtime.wires import Wire
from mediaworker.session.machine import Session

MEDIA = "media"
BAD_REQUEST = 400


class Place(Life):
    """Brings its session what is heard, and its line or its leg what is to be sent."""

    def __init__(self, session: Session, view: SessionView, house: House) -> None:
        super().__init__(session, view, house)
        self.wire: Wire | None = None
        """None until the session is connected, and when it is over; so the next."""
        self.source: Source | None = None
        self.carrier: Carrier | None = None
        """Over the application's socket; None where a leg carries its audio."""
        self.row: int | None = None
        """In its detector; None when no voice is to be detected."""
        self.key_row: int | None = None
        """In the detector of tones; None when no keys are to be."""
        self.side: Side | None = None
        """Its end of a bridge."""
        self.media_pass: Pass | None = None
        """To and from a media server."""
        self.heard_ms = 0
        self.is_muted = False
        self._told_of_flaw = False
        self._missing = 0

    def notice(self, sender: str, sentence: str, code: int) -> None:
        """Something went wrong, and the session goes on."""
        self._attend(lambda now: self.session.notice(sender, sentence, code, now))

    def hear(self, probability: float, to_ms: int, now: float) -> None:
        try:
            self.session.hear(probability, to_ms, now)
            self._settle_news(now)
        except Exception as error:
            self.fail(error)

    def press(self, digit: str) -> None:
        """A key that was heard."""
        self._attend(lambda now: self.session.press(digit, now))

    def take_frame(self, now: float) -> bytes | None:
        """The next samples to be sent."""
        try:
            frame = self.session.take_frame(now)
            self._settle_news(now)
        except Exception as error:
            self.fail(error)
            return None
        return frame

    def take_beside(self) -> bytes | None:
        """Samples that are sent too: from a bridge, and from a media server."""
        heard = None if self.side is None else self.side.hears.take()
        passed, leg = self.media_pass, self._far.leg
        if passed is None or not (leg is None or leg.is_open):
            return heard
        said = passed.take()
        if heard is None or said is None:
            return said or heard
        return mixed(heard, said)

    def count_missing(self) -> int:
        """Frames of what plays that were not there in time, since it was asked."""
        missing, self._missing = self._missing, self.session.underruns
        return max(0, self._missing - missing)

    def send_audio(self, frame: bytes, slot: int) -> bool:
        """False when it was dropped."""
        leg = self._far.leg
        if leg is None:
            is_sent = self._send_coded(frame)
        else:
            is_sent = self._send_to(leg, frame, slot)
        if is_sent:
            self._account.frames_sent += 1
        else:
            self._account.frames_dropped += 1
        return is_sent

    def show(self, payload: bytes) -> bool:
        """Send it to the application's socket; False when it was dropped."""
        return self._line.send_audio(payload)

    def flawed(self, sentence: str) -> None:
        """Something is wrong with the audio that the application sends: told once."""
        if not self._told_of_flaw:
            self._told_of_flaw = True
            self.notice(MEDIA, sentence, BAD_REQUEST)

    def send_silence(self, slot: int) -> None:
        """There is nothing to be sent in the slot."""
        leg = self._far.leg
        if leg is not None:
            try:
                leg.send_silence(slot)
            except Exception as error:
                self.fail(error)

    def _send_coded(self, frame: bytes) -> bool:
        carrier = self.carrier
        try:
            payload = frame if carrier is None else carrier.encode(frame)
        except Exception as error:
            self.fail(error)
            return False
        return self._line.send_audio(payload)

    def _send_to(self, leg: Leg, frame: bytes, slot: int) -> bool:
        try:
            return leg.send_audio(frame, slot)
        except Exception as error:
            self.fail(error)
            return False
