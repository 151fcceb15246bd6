"""How to enter the media of calls, for whoever is to be told."""

import logging
from collections.abc import Mapping
from typing import Any

from chalicelib.domain.call import Call
from chalicelib.protocol.vocabulary import Provider
from chalicelib.services.ports import Clock, JoinCredentials, MediaProvider

log = logging.getLogger(__name__)


class Entrances:
    """The providers that are set up, and what each lets in with."""

    def __init__(
        self, providers: Mapping[Provider, MediaProvider], clock: Clock
    ) -> None:
        self._providers = providers
        self._clock = clock

    def credentials(
        self, call: Call, uid: str, device_type: str, seconds: int | None = None
    ) -> JoinCredentials:
        """Of the call's own provider; one that is not set up fails no command."""
        provider = self._providers.get(call.provider)
        if provider is None:
            return _closed(call, "is not set up")
        now_ms = self._clock.now_ms()
        return provider.credentials(call, uid, device_type, now_ms, seconds)

    def media(self, call: Call, uid: str, device_type: str) -> dict[str, Any]:
        """What a push tells of it; it says so where there is none."""
        try:
            return render_media(self.credentials(call, uid, device_type))
        except Exception:
            # Whoever is told that a call was answered must be told all the same.
            log.exception("no credentials", extra={"call_id": call.id})
            return render_media(_closed(call, "cannot be entered now"))


def render_media(credentials: JoinCredentials) -> dict[str, Any]:
    """Of the call's own provider, whichever fields a dialect itself has.

    ``roomId`` is a number where the provider's rooms have numbers (TRTC). ``error``
    is there only when the provider cannot be entered, and says why.
    """
    problem = {"error": credentials.problem} if credentials.problem else {}
    return {
        "provider": credentials.provider,
        "url": credentials.url,
        "token": credentials.token,
        "roomId": credentials.room,
        **credentials.more,
        **problem,
    }


def _closed(call: Call, why: str) -> JoinCredentials:
    name = call.provider.value
    return JoinCredentials(name, "", "", call.id, problem=f"{name} {why}")
