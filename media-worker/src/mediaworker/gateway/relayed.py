"""One socket that the gateway holds: frames in, in order; events out, in order."""

import asyncio
from collections import deque
from contextlib import suppress

from chalicelib.protocol.relay import Frame, Open
from chalicelib.protocol.session.codec import MalformedCommand, parse_command
from mediaworker.gateway.reordering import Item, Missing, Reordering, TooFar
from mediaworker.runtime.ports import SessionHandle
from mediaworker.transports.relay_peer import Outcome, RelayPeer, WayBack

LIFETIME_SECONDS = 2 * 3_600 + 300.0
"""A little longer than the gateway lets a socket live."""
LET_IN_SECONDS = 2.0
"""How long the gateway may not know a connection that it is just letting in."""
FAILED_SECONDS = 10.0
"""How long a post is tried again."""
PAUSE_SECONDS = 0.05
MOST_HELD = 256
BAD_REQUEST = 400
TOO_LARGE = 413
TOO_MANY = 1_008
NUMBER_WANTED = "cseq is required over this socket: 1 for the first message, then 2 …"


class Relayed:
    """The session's end of a connection."""

    def __init__(self, opened: Open, peer: RelayPeer, handle: SessionHandle) -> None:
        self.opened = opened
        self.handle = handle
        self.is_leaving = False
        """The gateway has said that it is gone, and late frames are waited for."""
        self._peer = peer
        self._loop = asyncio.get_running_loop()
        self._reordering = Reordering()
        self._timer: asyncio.TimerHandle | None = None
        self._held: deque[str] = deque()
        self._is_gone = False
        self._is_told = False
        """The session, that its socket is lost."""
        self._has_posted = False
        self._opened_at = self._loop.time()
        peer.session_id = handle.session_id
        peer.resumed = self._resumed
        peer.told_slow = self._cut

    @property
    def session_id(self) -> str:
        return self.handle.session_id

    def take(self, frame: Frame) -> None:
        if frame.cseq is None:
            self._take_without_number(frame.text)
            return
        now = self._loop.time()
        self._tell(self._reordering.push(frame.cseq, frame.text, now))
        self._arm()

    def lose(self, is_clean: bool) -> None:
        """The client is gone. Again: nothing."""
        self._is_gone = True
        self._disarm()
        self._held.clear()
        self._peer.abandon()
        self._tell_lost(is_clean)

    async def deliver(self, way: WayBack) -> None:
        """Post what the session tells until either side is gone."""
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(LIFETIME_SECONDS):
                    await self._post_all(way)
            if not self._is_gone:
                opened = self.opened
                await way.close(opened.endpoint, opened.connection_id)
        finally:
            self.lose(is_clean=False)

    async def _post_all(self, way: WayBack) -> None:
        while not self._is_gone and (text := await self._peer.next()) is not None:
            self._is_gone = not await self._post(way, text)

    async def _post(self, way: WayBack, text: str) -> bool:
        """Whether the connection is still there."""
        began = self._loop.time()
        while True:
            outcome = await way.post(
                self.opened.endpoint, self.opened.connection_id, text
            )
            if outcome is Outcome.TAKEN:
                self._has_posted = True
                return True
            if outcome is Outcome.TOO_LARGE:
                sentence = f"an event of {len(text)} characters is too large to be sent"
                text = self._peer.failure(sentence, TOO_LARGE)
            if not self._may_try_again(outcome, self._loop.time(), began):
                return False
            await asyncio.sleep(PAUSE_SECONDS)

    def _may_try_again(self, outcome: Outcome, now: float, began: float) -> bool:
        if outcome is Outcome.GONE:
            is_new = now - self._opened_at < LET_IN_SECONDS
            return is_new and not self._has_posted
        return now - began < FAILED_SECONDS

    def _take_without_number(self, text: str) -> None:
        try:
            parse_command(text)
        except MalformedCommand:
            # The session says what is wrong with it.
            self._receive(text)
        else:
            self._peer.fail(NUMBER_WANTED, BAD_REQUEST)

    def _tell(self, items: tuple[Item, ...]) -> None:
        for item in items:
            match item:
                case Missing(first, last):
                    self._peer.fail(
                        f"messages {first} to {last} did not come", BAD_REQUEST
                    )
                case TooFar(cseq):
                    self._peer.fail(
                        f"cseq {cseq} is too far ahead: dropped", BAD_REQUEST
                    )
                case text:
                    self._receive(text)

    def _receive(self, text: str) -> None:
        if self._peer.is_closed:
            return
        if not self._peer.is_paused and not self._held:
            self.handle.receive_text(text.encode(errors="replace"))
            return
        self._held.append(text)
        if len(self._held) > MOST_HELD:
            self._peer.close(TOO_MANY, "commands come faster than they are obeyed")
            self._cut()

    def _resumed(self) -> None:
        while self._held and not self._peer.is_paused:
            text = self._held.popleft()
            self.handle.receive_text(text.encode(errors="replace"))

    def _cut(self) -> None:
        """We have closed it, against the session's will, which hears of it later."""
        self._held.clear()
        self._loop.call_soon(self._tell_lost, False)

    def _tell_lost(self, is_clean: bool) -> None:
        if not self._is_told:
            self._is_told = True
            self.handle.lose(is_clean)

    def _arm(self) -> None:
        self._disarm()
        deadline = self._reordering.deadline()
        if deadline is not None:
            self._timer = self._loop.call_at(deadline, self._expire)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        # A timer may be early by the loop's resolution.
        deadline = self._reordering.deadline() or 0.0
        self._tell(self._reordering.expire(max(deadline, self._loop.time())))
        self._arm()
