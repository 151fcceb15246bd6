"""Digits that we press by INFO, one after the other."""

import asyncio
from collections import deque
from collections.abc import Callable

from mediaworker.session.legs import PressKeys
from mediaworker.sip.endpoint import WrongTime
from mediaworker.telephony.keys import DTMF_RELAY, relay_of

MOST_WAITING = 64


class InfoKeys:
    """Of one call."""

    def __init__(self, send: Callable[[str, bytes], None]) -> None:
        """``send`` raises `WrongTime` as long as the answer is not acknowledged."""
        self._send = send
        self._waiting: deque[PressKeys] = deque()
        self._next: asyncio.TimerHandle | None = None

    def press(self, effect: PressKeys) -> bool:
        """False when too many wait."""
        if len(self._waiting) + len(effect.digits) > MOST_WAITING:
            return False
        for digit in effect.digits:
            self._waiting.append(PressKeys(digit, effect.duration_ms, effect.gap_ms))
        if self._next is None:
            self._press_next()
        return True

    def close(self) -> None:
        self._waiting.clear()
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _press_next(self) -> None:
        self._next = None
        if not self._waiting:
            return
        pressed = self._waiting[0]
        loop = asyncio.get_running_loop()
        seconds = (pressed.duration_ms + pressed.gap_ms) / 1_000
        self._next = loop.call_later(seconds, self._press_next)
        try:
            self._send(DTMF_RELAY, relay_of(pressed.digits, pressed.duration_ms))
        except WrongTime:
            return
        if self._waiting:
            self._waiting.popleft()
