"""Legs of phones as a runtime has them: a holder, and a phone at the other end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from mediaworker.runtime.legs import Holder, Leg
from mediaworker.session.legs import (
    Declined,
    LegEnded,
    LegEvent,
    LegLost,
    MediaAgreed,
    PlaceCall,
)
from mediaworker.telephony.phones import Phones
from mediaworker.telephony.settings import PhoneSettings
from mediaworker.telephony.site import Site
from tests.peers.sip_phone import SipPhone

Told = TypeVar("Told", bound=LegEvent)
PATIENCE_SECONDS = 10.0
READ_SECONDS = 0.01
LAST = (Declined, LegEnded, LegLost)
SETTINGS = PhoneSettings.parse({"PARLEY_RTP_PORTS": "14000-32000"}, is_development=True)
SITE = Site(
    worker_id="w1",
    host="127.0.0.1",
    public_address=None,
    ws_url="ws://127.0.0.1:8080",
    is_development=True,
    is_open=False,
    media_timeout_seconds=30.0,
    has_room=lambda: True,
)


def settings(**changes: object) -> PhoneSettings:
    """With any port, and these changed."""
    return replace(SETTINGS, **{"port": 0, **changes})  # type: ignore[arg-type]


def site(**changes: object) -> Site:
    return replace(SITE, **changes)  # type: ignore[arg-type]


@asynccontextmanager
async def phones(
    given: PhoneSettings | None = None, place: Site = SITE, seconds: float = 30
) -> AsyncIterator[Phones]:
    """Those of a worker, which runs within the block."""
    made = Phones(given or settings(), place)
    async with asyncio.timeout(seconds), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(made.run())
        while not made.is_ready:  # noqa: ASYNC110 - it has no event for it
            await asyncio.sleep(0)
        try:
            yield made
        finally:
            running.cancel()


@dataclass(eq=False)
class Seat:
    """Holds one leg, and remembers what it was told."""

    phones: Phones
    session_id: str = "s1"
    tenant: str = "default"
    listen: str | None = None
    is_privileged: bool = False
    told: list[LegEvent] = field(default_factory=list)
    lost: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._news = asyncio.Event()
        self.leg: Leg = self.phones.make(
            Holder(
                self.session_id,
                self.tenant,
                "alice",
                self._hear,
                self._lose,
                self.listen,
                self.is_privileged,
            )
        )

    def _hear(self, event: LegEvent) -> None:
        self.told.append(event)
        self._news.set()
        if isinstance(event, MediaAgreed):
            self._read()

    def _read(self) -> None:
        """As the tick does, which takes frames too."""
        leg: Any = self.leg
        if leg._is_over or leg._media is None:
            return
        leg._media._sockets.read()
        asyncio.get_running_loop().call_later(READ_SECONDS, self._read)

    def _lose(self, error: Exception) -> None:
        self.lost.append(error)
        self._news.set()

    async def until(self, kind: type[Told], count: int = 1) -> Told:
        """The nth of its kind, now or when it comes."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                found = [event for event in self.told if isinstance(event, kind)]
                if len(found) >= count:
                    return found[count - 1]
                assert not self.lost, self.lost
                self._news.clear()
                await self._news.wait()

    @property
    def kinds(self) -> list[type[LegEvent]]:
        return [type(event) for event in self.told]

    def place(self, phone: SipPhone, **wish: object) -> None:
        self.leg.obey(PlaceCall(phone.uri, **wish))  # type: ignore[arg-type]


async def eventually(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():  # noqa: ASYNC110 - whoever says so has no event
            await asyncio.sleep(0.01)


def target(made: Phones, user: str = "agent") -> str:
    return f"sip:{user}@127.0.0.1:{made.port}"
