"""Whom each message is for (RFC 3261 sections 8.2, 12.2.2, 18.1.2)."""

from mediaworker.sip.core import EXTENSIONS, METHODS, Core
from mediaworker.sip.dialogs import sip_contact
from mediaworker.sip.messages import (
    Malformed,
    Rejection,
    Request,
    Response,
    parse,
    render,
    response_to,
    screen,
)
from mediaworker.sip.routing import Hop, hop_back
from mediaworker.sip.screening import SDP
from mediaworker.sip.server_calls import ServerCall
from mediaworker.sip.server_transactions import ServerTransaction
from mediaworker.sip.statuses import (
    BAD_REQUEST,
    MERGED,
    OK,
    UNAVAILABLE,
    UNKNOWN_CALL,
)

SCHEMES = frozenset({"sip", "tel"})
RETRY_SECONDS = "10"


class Reception:
    def __init__(self, core: Core) -> None:
        self._core = core

    def receive(self, message: bytes, source: Hop, now: float) -> None:
        try:
            parsed = parse(message)
        except Malformed as fault:
            if fault.answerable is not None and fault.status is not None:
                self._refuse(_seen(fault.answerable, source), fault.status, source)
            return
        if isinstance(parsed, Response):
            self._core.layer.receive_response(parsed, now)
        else:
            self._request(_seen(parsed, source), source, now)

    def _request(self, request: Request, source: Hop, now: float) -> None:
        layer = self._core.layer
        if layer.has_taken(request, now):
            return
        if request.method == "ACK":
            self._ack(request, source, now)
        elif layer.is_full and not self._is_known(request):
            self._refuse(request, UNAVAILABLE, source)
        else:
            hop = hop_back(request.via, source)
            self._serve(layer.serve(request, hop, now), source, now)

    def _is_known(self, request: Request) -> bool:
        """It belongs to a call that is there."""
        if request.method == "CANCEL":
            return self._core.layer.cancelled_by(request) is not None
        return _dialog_key(request) in self._core.dialogs

    def _refuse(self, request: Request, status: int, source: Hop) -> None:
        """Without remembering it; `request` is no ACK."""
        headers = [("Retry-After", RETRY_SECONDS)] if status == UNAVAILABLE else []
        tag = self._core.station.ids()
        response = response_to(request, status, to_tag=tag, headers=headers)
        self._core.station.transmit(render(response), hop_back(request.via, source))

    def _ack(self, request: Request, source: Hop, now: float) -> None:
        found = self._core.dialogs.get(_dialog_key(request))
        if found is not None:
            call, dialog = found
            dialog.hear(request, source)
            call.ack_came(request, now)

    def _serve(self, transaction: ServerTransaction, source: Hop, now: float) -> None:
        request = transaction.request
        if request.method == "CANCEL":
            self._cancel(transaction, now)
        elif self._core.layer.is_merged(transaction):
            transaction.reply(MERGED, now, phrase="Merged Request")
        elif (rejection := _screened(request)) is not None:
            transaction.reply(rejection.status, now, headers=rejection.headers)
        elif request.to_tag is not None:
            self._within(transaction, source, now)
        elif request.method == "INVITE":
            self._invite(transaction, source, now)
        elif request.method == "OPTIONS":
            transaction.reply(OK, now, headers=self._core.abilities())
        else:
            transaction.reply(UNKNOWN_CALL, now)

    def _cancel(self, transaction: ServerTransaction, now: float) -> None:
        request = transaction.request
        invite = self._core.layer.cancelled_by(request)
        if invite is None:
            transaction.reply(UNKNOWN_CALL, now)
            return
        transaction.tag = invite.tag
        transaction.reply(OK, now)
        if invite.on_cancel is not None and not invite.is_answered:
            invite.on_cancel(request, now)

    def _within(self, transaction: ServerTransaction, source: Hop, now: float) -> None:
        found = self._core.dialogs.get(_dialog_key(transaction.request))
        if found is None:
            transaction.reply(UNKNOWN_CALL, now)
        else:
            call, dialog = found
            call.receive(transaction, dialog, source, now)

    def _invite(self, transaction: ServerTransaction, source: Hop, now: float) -> None:
        if sip_contact(transaction.request.contacts) is None:
            transaction.reply(BAD_REQUEST, now, phrase="Missing Contact")
        elif self._core.is_full:
            wait = (("Retry-After", RETRY_SECONDS),)
            transaction.reply(UNAVAILABLE, now, headers=wait)
        else:
            ServerCall(self._core, transaction, source, now)


def _seen(request: Request, source: Hop) -> Request:
    """With what RFC 3581 and 18.2.1 have its receiver note."""
    return request.with_top_via(request.via.seen_from(source.host, source.port))


def _screened(request: Request) -> Rejection | None:
    content_types = {SDP}
    if request.method == "INFO" and request.content_type is not None:
        content_types = {request.content_type.mime_type}
    return screen(
        request,
        methods=METHODS,
        extensions=EXTENSIONS,
        schemes=SCHEMES,
        content_types=content_types,
    )


def _dialog_key(request: Request) -> tuple[str, str, str]:
    """As the one has it to whom the request came (12.2.2)."""
    return (request.call_id, request.to_tag or "", request.from_tag or "")
