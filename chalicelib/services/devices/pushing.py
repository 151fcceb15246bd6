"""Pushes on their way to devices: at once, and once more by the bus.

The command that changes a call pushes to the devices that it finds, within a bound;
the outbox has the same told again, so that nothing is lost between the two.
"""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, TypeVar

from chalicelib.domain.call import Call
from chalicelib.protocol.client_events import render
from chalicelib.protocol.client_fields import as_text
from chalicelib.services.devices.devices import (
    Device,
    DeviceRepository,
    SocketGone,
    SocketRefused,
    Sockets,
)
from chalicelib.services.devices.pushes import Selected, entered, pushes_of, select
from chalicelib.services.media import Entrances
from chalicelib.services.ports import CallRepository, Clock
from chalicelib.services.stories import Story

log = logging.getLogger(__name__)

_T = TypeVar("_T")

AT_ONCE_MS = 300
"""How long a command may be held up by its pushes, all of them together."""
AT_LEISURE_MS = 20_000
MOST_AT_ONCE = 64
"""Devices of one commit that are pushed to before the bus does."""
COMING_MS = 10_000
"""A socket so young may not be open yet; its hello then tells what it has missed."""


class NotPushed(Exception):
    """Some devices were not reached: the same is to be told again."""


class FanOut(Protocol):
    """Does things side by side."""

    def spread(
        self, jobs: Sequence[Callable[[], _T]], within_ms: int
    ) -> list[_T | None]:
        """What came of each, in their order.

        None for one that failed, and for one that was not done in time: it goes on, or
        is not begun any more.
        """


class PushService:
    """Pushes to devices; a `CommitListener` and a `Hearer`."""

    def __init__(
        self,
        calls: CallRepository,
        devices: DeviceRepository,
        sockets: Sockets,
        entrances: Entrances,
        fan_out: FanOut,
        clock: Clock,
    ) -> None:
        self._calls = calls
        self._devices = devices
        self._sockets = sockets
        self._entrances = entrances
        self._fan_out = fan_out
        self._clock = clock

    def committed(self, call: Call, events: Story) -> None:
        """Whom it reaches within `AT_ONCE_MS`; never raises."""
        try:
            self._push(events, lambda: call, AT_ONCE_MS, is_first=True)
        except Exception:
            log.exception("not pushed at once", extra={"call_id": call.id})

    def hear(self, story: Story) -> None:
        """Raises `NotPushed` or `RepositoryError`."""
        tenant, call_id = story[0].tenant, story[0].call_id
        if not self._push(
            story,
            lambda: self._calls.load(tenant, call_id),
            AT_LEISURE_MS,
            is_first=False,
        ):
            raise NotPushed(call_id)

    def _push(
        self,
        story: Story,
        load: Callable[[], Call | None],
        within_ms: int,
        *,
        is_first: bool,
    ) -> bool:
        """Whether every device was reached, or is gone."""
        ends_ms = self._clock.now_ms() + within_ms
        addressed = [one for event in story for one in pushes_of(event)]
        uids = dict.fromkeys(one.uid for one in addressed)
        tenant = story[0].tenant if story else ""
        found = self._fan_out.spread(
            [partial(self._devices.of_user, tenant, uid, not is_first) for uid in uids],
            within_ms,
        )
        known = {uid: rows for uid, rows in zip(uids, found, strict=True) if rows}
        selected = [
            pair for one in addressed for pair in select(one, known.get(one.uid, ()))
        ]
        mail = self._mail(selected, load)
        letters = list(mail)[: MOST_AT_ONCE if is_first else None]
        left_ms = max(0, ends_ms - self._clock.now_ms())
        done = self._fan_out.spread(
            [partial(self._deliver, device, mail[device]) for device in letters],
            left_ms,
        )
        return None not in found and all(done)

    def _mail(
        self, selected: list[Selected], load: Callable[[], Call | None]
    ) -> dict[Device, list[str]]:
        """The frames of each device, in the order of what has happened."""
        mail: dict[Device, list[str]] = {}
        call: Call | None = None
        if any(one.is_entrance for _, one in selected):
            call = load()
        for device, one in selected:
            push = entered(one, call, self._entrances, device.device_type)
            mail.setdefault(device, []).append(as_text(render(push)))
        return mail

    def _deliver(self, device: Device, frames: list[str]) -> bool:
        """Raises `SocketUnreachable` or `RepositoryError`."""
        for frame in frames:
            try:
                self._sockets.post(device.connection_id, frame)
            except SocketGone:
                self._forget(device)
                return True
            except SocketRefused as refusal:
                log.warning("push refused", extra={"error": str(refusal)})
        return True

    def _forget(self, device: Device) -> None:
        if self._clock.now_ms() - device.connected_at_ms >= COMING_MS:
            self._devices.drop(device)
