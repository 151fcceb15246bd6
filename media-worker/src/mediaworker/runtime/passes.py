"""The audio of calls whose other side is a media server of the application's.

What the caller says goes to the server in packets, slot by slot; what the server says
is heard in the place of what the application would play, and together with it.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from chalicelib.protocol.session.codec import as_text, render_event
from chalicelib.protocol.session.events import Event
from chalicelib.protocol.session.options import MediaPassOption
from mediaworker.audio.audible import Audible
from mediaworker.audio.media_pass import MOST_MARKS, MOST_SECONDS, Downlink, Uplink
from mediaworker.runtime.wires import Samples
from mediaworker.session import media_texts
from mediaworker.session.effects import ClearMedia, MuteMedia, PassMedia
from mediaworker.session.media_texts import Clear, Mark, NotUnderstood
from mediaworker.session.passing import (
    PassEnded,
    PassEvent,
    PassHeard,
    PassResumed,
    PassTrouble,
)

TOO_MANY = 429
TOO_FAST = (
    f"the media server sends more than {MOST_SECONDS} s ahead: the newest is dropped"
)


def mixed(one: bytes, other: bytes) -> bytes:
    """Two frames that are heard together, as loud as can be where it is too loud."""
    both = np.frombuffer(one, np.int16).astype(np.int32)
    both += np.frombuffer(other, np.int16)
    return np.clip(both, -32_768, 32_767).astype(np.int16).tobytes()


class MediaSocket(Protocol):
    """A media server's socket, as its session sees it. Nothing here waits."""

    def send_audio(self, packet: bytes) -> bool:
        """False when it was dropped, for 200 ms are waiting."""

    def send_text(self, text: str) -> None:
        """A reader who lets 1 MB wait is closed."""


class Opening(Protocol):
    """A socket that is there, or is being opened, again and again."""

    def close(self, last_text: str | None) -> None:
        """For good, after a last text, if there is one. Nothing is told of it."""


class MediaEar(Protocol):
    """Who hears a media server. Nothing here waits, or raises."""

    @property
    def session_id(self) -> str: ...

    def opened(self, socket: MediaSocket, resumed: PassResumed | None) -> None:
        """It is there; for the first time, or again."""

    def hear(self, audio: bytes) -> None:
        """Of any length."""

    def read(self, text: bytes) -> None: ...

    def lost(self) -> None:
        """It is not there; `opened` or `ended` follows."""

    def ended(self, event: PassEnded) -> None:
        """It will not be there any more; nothing follows."""


class MediaDoor(Protocol):
    """The way out to media servers. Nothing here waits."""

    def open(self, option: MediaPassOption, ear: MediaEar) -> Opening:
        """What becomes of it is told later, never within."""


class Passer(Protocol):
    """A session, as its pass knows it."""

    media_pass: "Pass | None"

    @property
    def session_id(self) -> str: ...

    @property
    def rate(self) -> int: ...

    def pass_told(self, event: PassEvent) -> None: ...


class Pass:
    """Between one session and its media server: a `MediaEar`."""

    def __init__(self, seat: Passer, option: MediaPassOption) -> None:
        self._seat = seat
        self._option = option
        self._socket: MediaSocket | None = None
        self._opening: Opening | None = None
        self._down = Downlink(option.input_sample_rate, option.ptime or 0)
        self._up: Uplink | None = None
        self._audible = Audible()
        self._tells = media_texts.wants_texts(option.url)
        self._is_over = False
        self._ending: PassEnded | None = None
        """It is told when what has come was heard."""
        self._told_of_haste = False
        self.packets_dropped = 0

    # To and from the tick

    def say(self, samples: Samples) -> None:
        """A frame of the caller's."""
        socket = self._socket
        if socket is None:
            return
        if self._up is None:
            option = self._option
            rate, size = option.output_sample_rate, option.packet_size
            self._up = Uplink(self._seat.rate, rate, size)
        for packet in self._up.feed(samples):
            if not socket.send_audio(packet):
                self.packets_dropped += 1

    def take(self) -> bytes | None:
        """The next frame for the caller; None where there is nothing to be heard."""
        for name in self._down.reached():
            self._tell(media_texts.mark(name))
        ending = self._ending
        if ending is not None and self._down.is_empty:
            self._ending = None
            self._seat.pass_told(ending)
        frame = self._down.take(self._seat.rate)
        if self._audible.feed(frame):
            self._seat.pass_told(PassHeard(self._audible.is_heard))
        return frame

    # From the session

    def begin(self, door: MediaDoor) -> None:
        self._opening = door.open(self._option, self)

    def clear(self) -> None:
        """Nothing that the server has sent so far is heard."""
        for name in self._down.clear():
            self._tell(media_texts.mark(name, was_cleared=True))

    def mute(self, is_muted: bool) -> None:
        self._down.is_muted = is_muted

    def overhear(self, event: Event) -> None:
        """What the application is told, for a server that wants to know too."""
        if self._tells and media_texts.is_passed_on(event):
            self._tell(as_text(render_event(event)))

    def close(self) -> None:
        """The call is over."""
        self._is_over, self._socket = True, None
        if self._opening is not None:
            self._opening.close(media_texts.stop() if self._tells else None)

    # From the server

    @property
    def session_id(self) -> str:
        return self._seat.session_id

    def opened(self, socket: MediaSocket, resumed: PassResumed | None) -> None:
        self._socket, self._up = socket, None
        if self._tells:
            self._greet()
        if resumed is not None:
            self._seat.pass_told(resumed)

    def hear(self, audio: bytes) -> None:
        if self._is_over or self._down.push(audio) or self._told_of_haste:
            return
        self._told_of_haste = True
        self._seat.pass_told(PassTrouble(TOO_FAST, TOO_MANY))

    def read(self, text: bytes) -> None:
        """Who says something that can be understood wants to be told things."""
        try:
            said = media_texts.parse(text)
        except NotUnderstood as reason:
            self._tell(media_texts.error(str(reason)))
            return
        if not self._tells:
            self._tells = True
            self._greet()
        match said:
            case Clear():
                self.clear()
            case Mark(name):
                self._mark(name)

    def lost(self) -> None:
        """What has come is heard; who waits for marks is not there any more."""
        self._socket = None
        self._down.forget_marks()

    def ended(self, event: PassEnded) -> None:
        self._socket = None
        if self._is_over:
            return
        self._is_over = True
        if self._down.is_empty:
            self._seat.pass_told(event)
        else:
            self._ending = event

    def _mark(self, name: str) -> None:
        if not self._down.mark(name):
            self._tell(media_texts.error(f"at most {MOST_MARKS} marks may wait"))

    def _greet(self) -> None:
        self._tell(media_texts.start(self.session_id, self._option))

    def _tell(self, text: str) -> None:
        if self._tells and self._socket is not None:
            self._socket.send_text(text)


class Passes:
    """Of all sessions.

    ``rearrange`` lets the tick know that sessions have a pass now, or none any more.
    """

    def __init__(self, door: MediaDoor, rearrange: Callable[[], None]) -> None:
        self._door = door
        self._rearrange = rearrange
        self.running = 0
        self.dropped = 0
        """Packets that servers did not take in time."""

    def begin(self, seat: Passer, effect: PassMedia) -> None:
        passed = seat.media_pass = Pass(seat, effect.option)
        self.running += 1
        self._rearrange()
        passed.begin(self._door)

    def obey(self, seat: Passer, effect: PassMedia | ClearMedia | MuteMedia) -> None:
        """Nothing, where there is no pass any more."""
        passed = seat.media_pass
        match effect:
            case PassMedia():
                self.begin(seat, effect)
            case MuteMedia(is_muted) if passed is not None:
                passed.mute(is_muted)
            case ClearMedia() if passed is not None:
                passed.clear()

    def leave(self, seat: Passer) -> None:
        """The call is over; again, or where there is no pass: nothing."""
        passed, seat.media_pass = seat.media_pass, None
        if passed is not None:
            self.running -= 1
            self.dropped += passed.packets_dropped
            self._rearrange()
            passed.close()

    def readings(self) -> dict[str, float]:
        """What servers did not take in time is counted once the call is over."""
        return {
            "media_passes": self.running,
            "media_packets_dropped_total": self.dropped,
        }
