"""The leg of a browser: it answers one offer, and carries the audio."""

import asyncio
from collections.abc import Callable

from chalicelib.protocol.session.vocabulary import HangupReason
from mediaworker.rtp.stream import MediaStream
from mediaworker.runtime.legs import Holder, LegStatistics
from mediaworker.runtime.wires import Wire
from mediaworker.session.legs import (
    AddCandidate,
    AnswerOffer,
    Declined,
    DropLeg,
    LegEffect,
    LegEnded,
    LegEvent,
    LegLost,
    LegTrouble,
    PressKeys,
)
from mediaworker.webrtc.agreement import Refused, read
from mediaworker.webrtc.call import Call
from mediaworker.webrtc.gate import Full
from mediaworker.webrtc.remote import RemoteCandidates
from mediaworker.webrtc.share import Share
from mediaworker.webrtc.statistics import statistics_of
from mediaworker.webrtc.transport import End, Unreachable

BAD_REQUEST = 400
NOT_ACCEPTABLE = 488
NOT_IMPLEMENTED = 501
UNAVAILABLE = 503
CALLER = "caller"
LAST = (Declined, LegEnded, LegLost)


class BrowserLeg:
    """Of one session. Whatever goes wrong within ends this session, and no other."""

    def __init__(
        self, holder: Holder, share: Share, gone: Callable[["BrowserLeg"], None]
    ) -> None:
        """``gone`` is told once, when it is dropped."""
        self._gone = gone
        self._holder = holder
        self._share = share
        self._remote = RemoteCandidates(self._trouble)
        self._call: Call | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_over = False
        self._is_dropped = False
        self._statistics = LegStatistics()

    @property
    def wire(self) -> Wire:
        assert self._call is not None and self._call.agreed is not None
        return self._call.agreed.wire

    @property
    def source(self) -> MediaStream:
        assert self._call is not None and self._call.stream is not None
        return self._call.stream

    @property
    def is_open(self) -> bool:
        return self._call is not None and self._call.is_connected

    @property
    def statistics(self) -> LegStatistics:
        if self._call is not None and self._call.stream is not None:
            self._statistics = statistics_of(self._call.stream)
        return self._statistics

    def obey(self, effect: LegEffect) -> None:
        match effect:
            case DropLeg():
                self._drop()
            case _ if self._is_over:
                pass
            case AnswerOffer():
                self._answer(effect)
            case AddCandidate():
                self._remote.add(effect)
            case PressKeys():
                self._press(effect)
            case _:
                self._trouble("a browser's call cannot do this", NOT_IMPLEMENTED)

    def send_audio(self, frame: bytes, slot: int) -> bool:
        call = self._call
        return call is not None and call.send_audio(frame, slot)

    def send_silence(self, slot: int) -> None:
        if self._call is not None:
            self._call.send_silence(slot)

    def keep(self, now: float) -> None:
        """From time to time: report, and look whether the browser is still there."""
        if self._call is None or self._is_over:
            return
        try:
            self._call.keep(now)
        except Exception as error:
            self.fail(error)

    # What the call tells

    def tell(self, event: LegEvent) -> None:
        if not self._is_over:
            self._is_over = isinstance(event, LAST)
            self._holder.tell(event)

    def fail(self, error: Exception) -> None:
        if not self._is_over:
            self._is_over = True
            self._stop()
            self._holder.lost(error)

    # What it is asked

    def _answer(self, effect: AnswerOffer) -> None:
        if self._call is not None:
            self._trouble("the browser's offer was answered already", NOT_IMPLEMENTED)
            return
        try:
            offered = read(effect.sdp)
        except Refused as refused:
            self.tell(Declined(refused.code, str(refused)))
            return
        self._call = Call(self._share, self, offered, allows_ipv6=effect.allows_ipv6)
        running = self._run(self._call)
        try:
            self._task = self._share.spawn(running)
        except RuntimeError:
            running.close()
            self.tell(Declined(UNAVAILABLE, "the worker takes no calls now"))

    def _press(self, effect: PressKeys) -> None:
        agreed = None if self._call is None else self._call.agreed
        if agreed is None or agreed.terms.keys_type is None:
            sentence = "digits were not sent: the browser has not agreed to any"
            self._trouble(sentence, NOT_ACCEPTABLE)
            return
        try:
            self.source.press(effect.digits, effect.duration_ms, effect.gap_ms)
        except ValueError as error:
            self._trouble(f"digits were not sent: {error}", BAD_REQUEST)

    def _drop(self) -> None:
        if self._is_dropped:
            return
        self._is_dropped = self._is_over = True
        if self._call is not None:
            self._call.hang_up()
            # Whoever drops it may be at the stream.
            asyncio.get_running_loop().call_soon(self._release, self._call)
        self._stop()
        self._gone(self)

    def _release(self, call: Call) -> None:
        self._statistics = self.statistics
        call.close_stream()

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    # Its task

    async def _run(self, call: Call) -> None:
        try:
            end = await call.run(self._remote)
        except Refused as refused:
            self.tell(Declined(refused.code, str(refused)))
        except Full:
            self.tell(Declined(UNAVAILABLE, "too many calls are being set up"))
        except Unreachable as reason:
            self.tell(LegLost(str(reason)))
        except Exception as error:
            self.fail(error)
        else:
            self.tell(self._last(end))

    def _last(self, end: End) -> LegEvent:
        if end is End.CLOSED:
            return LegEnded(HangupReason.BY_CALLER, CALLER)
        if end is End.SILENT:
            seconds = self._share.rules.media_timeout_seconds
            return LegLost(f"the browser has sent no audio for {seconds:g} s")
        return LegLost("the browser does not answer any more")

    def _trouble(self, sentence: str, code: int) -> None:
        self.tell(LegTrouble(sentence, code))
