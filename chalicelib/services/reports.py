"""What a media provider reports of its rooms, as commands on calls."""

import logging

from chalicelib.domain.commands import Appear, CloseRoom, OpenRoom, Vanish
from chalicelib.domain.errors import (
    CallEnded,
    CallError,
    CallNotFound,
)
from chalicelib.protocol.vocabulary import Provider
from chalicelib.services.calls import Attempt, CallService
from chalicelib.services.effects import EffectService

log = logging.getLogger(__name__)

Report = OpenRoom | CloseRoom | Appear | Vanish


class ReportService:
    """Believes a provider as far as the call allows, and corrects it elsewhere."""

    def __init__(self, calls: CallService, effects: EffectService) -> None:
        self._calls = calls
        self._effects = effects

    def hear(
        self,
        tenant: str,
        call_id: str,
        provider: Provider,
        report: Report,
        attempt: Attempt,
    ) -> None:
        """The same report again, late or in another order does nothing wrong.

        Who connects to a call that is over, or to one that does not want them, is
        disconnected. Raises `Unavailable`: the provider then tells it again.
        """
        try:
            self._calls.execute(tenant, call_id, report, attempt)
        except CallError as refusal:
            if isinstance(report, Appear):
                self._disconnect(tenant, call_id, provider, report.uid, refusal)

    def _disconnect(
        self,
        tenant: str,
        call_id: str,
        provider: Provider,
        uid: str,
        refusal: CallError,
    ) -> None:
        log.info(
            "disconnecting",
            extra={"call_id": call_id, "refusal": type(refusal).__name__},
        )
        if isinstance(refusal, CallEnded | CallNotFound):
            self._effects.request_deletion(tenant, call_id, provider)
        else:
            self._effects.request_removal(tenant, call_id, provider, uid)
