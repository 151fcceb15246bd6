"""Phones in pockets: what reaches them while their apps sleep."""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from functools import partial
from typing import Protocol, TypeVar

from chalicelib.protocol.mobile_push import Push, PushToken
from chalicelib.services.ports import Clock, Draws
from chalicelib.services.retries import Retries

_T = TypeVar("_T")

MOST_DEVICES = 10
"""Of a user."""


class TooManyDevices(Exception):
    """The user has as many as there may be; one must go first."""


class UnknownDevice(Exception):
    """The user has registered none of this name."""


class TokenRefused(Exception):
    """The push service does not take the token for one of its own."""


class PushTokenRepository(Protocol):
    """Push tokens of each user, one for each device and platform."""

    def keep(self, token: PushToken) -> None:
        """In place of the device's last one of the platform.

        The phone rings for who has registered it last: the same token of another
        user or device goes.
        """

    def of_user(self, tenant: str, uid: str) -> tuple[PushToken, ...]:
        """By device, then platform."""

    def forget(self, token: PushToken) -> None:
        """Unless the device has another by now."""


class Sent(StrEnum):
    """What became of a push."""

    TAKEN = "taken"
    GONE = "gone"
    """The token is nobody's any more."""
    FAILED = "failed"


class PushSender(Protocol):
    """Hands pushes to who has the credentials for Apple and Google."""

    def carrier(self, token: PushToken) -> str:
        """By what a push to the token goes; empty when nothing carries it."""

    def enlist(self, token: PushToken) -> PushToken:
        """With what is needed to send to it. Raises `TokenRefused`, or `Unavailable`
        when the carrier is out of reach."""

    def send(self, token: PushToken, push: Push, push_id: str) -> Sent:
        """Never raises for what the other side does; ``push_id`` is the same for the
        same push."""

    @property
    def is_set_up(self) -> bool:
        """Whether anything is ever sent."""


class DeviceService:
    """What a user registers, looks at and takes back."""

    def __init__(
        self,
        tokens: PushTokenRepository,
        sender: PushSender,
        clock: Clock,
        draws: Draws,
    ) -> None:
        self._tokens = tokens
        self._sender = sender
        self._clock = clock
        self._draws = draws

    def register(self, token: PushToken) -> str:
        """By what pushes to it will go, empty for by nothing yet; again, the same.

        Raises `TooManyDevices`, `TokenRefused` or `Unavailable`.
        """
        self._check_room(token)
        dated = replace(token, registered_at_ms=self._clock.now_ms())
        enlisted = self._sender.enlist(dated)
        self._repeat(lambda: self._tokens.keep(enlisted))
        try:
            # Another may have come at the same time.
            self._check_room(token)
        except TooManyDevices:
            self._repeat(lambda: self._tokens.forget(enlisted))
            raise
        return self._sender.carrier(enlisted)

    def of_user(self, tenant: str, uid: str) -> tuple[PushToken, ...]:
        """Raises `Unavailable`."""
        return self._repeat(lambda: self._tokens.of_user(tenant, uid))

    def forget(self, tenant: str, uid: str, device: str) -> None:
        """All tokens of the device. Raises `UnknownDevice` or `Unavailable`."""
        found = [one for one in self.of_user(tenant, uid) if one.device == device]
        if not found:
            raise UnknownDevice(device)
        for token in found:
            self._repeat(partial(self._tokens.forget, token))

    def _check_room(self, token: PushToken) -> None:
        held = self.of_user(token.tenant, token.uid)
        others = {one.device for one in held} - {token.device}
        if len(others) >= MOST_DEVICES:
            raise TooManyDevices(token.uid)

    def _repeat(self, attempt: Callable[[], _T]) -> _T:
        return Retries(self._clock, self._draws).repeat(attempt)
