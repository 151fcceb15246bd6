"""Texts that an application wants made into speech before any call says them."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.protocol.session.commands import Tts
from chalicelib.protocol.session.speech import DEFAULTS
from mediaworker.runtime.ports import Refusal
from mediaworker.runtime.speechdesk import SpeechDesk
from mediaworker.session import refusals
from mediaworker.session.effects import SayText
from mediaworker.session.plan import voice
from mediaworker.session.texts import is_sayable, spoken
from mediaworker.speech.replies import Answer, Broken, Prepared

MOST, MOST_OF_TENANT = 8, 4
"""At once: what callers hear goes before it, and is not to be late."""
SECONDS = 9.0
"""The longest: a port's request has ten."""
LOST = "the speech process was lost"


class Unprepared(Refusal):
    """It is not kept; says why."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


class TooMany(Refusal):
    """Others are being made."""

    status = 429
    retry_after_seconds = 1


class Asker:
    """One who waits: a `Client` of the desk."""

    rate = heard_ms = 0

    def __init__(self, scope: str) -> None:
        self.scope = scope
        self.answered: asyncio.Future[Prepared] = asyncio.Future()

    def answer(self, reply: Answer) -> None:
        if self.answered.done():
            return
        if isinstance(reply, Prepared):
            self.answered.set_result(reply)
        elif isinstance(reply, Broken):
            self.answered.set_exception(Unprepared(reply.sentence, reply.code))

    def speech_lost(self) -> None:
        if not self.answered.done():
            self.answered.set_exception(Unprepared(LOST, 503))


class Preparations:
    """Lives on the loop; a few at once, and of one tenant fewer still."""

    def __init__(self, desk: SpeechDesk) -> None:
        self._desk = desk
        self._running: Counter[str] = Counter()

    async def prepare(self, tenant: str, command: Tts) -> Prepared:
        """When it is kept; raises `Refusal`."""
        effect = _effect(command)
        with self._turn(tenant):
            asker = Asker(tenant)
            self._desk.prepare(asker, effect)
            try:
                async with asyncio.timeout(SECONDS):
                    return await asker.answered
            except TimeoutError:
                raise Unprepared("it was not made in time", 504) from None
            finally:
                self._desk.leave(asker)

    @contextmanager
    def _turn(self, tenant: str) -> Iterator[None]:
        is_full = self._running.total() >= MOST
        if is_full or self._running[tenant] >= MOST_OF_TENANT:
            raise TooMany("too many texts are being made into speech")
        self._running[tenant] += 1
        try:
            yield
        finally:
            self._running[tenant] -= 1
            self._running += Counter()


def _effect(command: Tts) -> SayText:
    """The very job that a call would begin; raises `Unprepared`."""
    text = spoken(command.text).strip()
    if command.base64:
        raise Unprepared("audio is not made into speech", 400)
    if not is_sayable(text):
        raise Unprepared("there is nothing to say", 400)
    try:
        option = voice(DEFAULTS, command)
    except refusals.Refusal as refusal:
        raise Unprepared(refusal.sentence, refusal.code) from None
    return SayText(1, text, option, command.cache_key)
