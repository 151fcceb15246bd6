"""Dialogs (RFC 3261 section 12): between whom, which way, and in which order."""

from collections.abc import Iterable
from typing import Self

from mediaworker.sip.addresses import Address, Uri
from mediaworker.sip.client_transactions import Draft, Fields
from mediaworker.sip.messages import Request, Response
from mediaworker.sip.routing import Hop, hop_of, is_behind_nat, way_to

DialogKey = tuple[str, str, str]
"""Call-ID, the local tag, the remote tag."""


class Dialog:
    def __init__(
        self,
        call_id: str,
        local: tuple[str, str],
        remote: tuple[str, str],
        target: Uri,
        source: Hop,
    ) -> None:
        """`local` and `remote` are what stands in From or To, and its tag; `source` is
        the hop that the dialog was made with."""
        self.call_id = call_id
        self.local_tag, self.remote_tag = local[1], remote[1]
        self.remote_number: int | None = None
        """The CSeq of the last request that came."""
        self._number = 0
        self._local, self._remote = local[0], remote[0]
        self._target = target
        self._routes: tuple[Address, ...] = ()
        self._source = source.sender
        self._is_behind_nat = False
        self._came_by_edge = source.origin is not None

    @classmethod
    def of_callee(cls, invite: Request, tag: str, source: Hop) -> Self:
        """12.1.1; the INVITE has a Contact with a SIP URI."""
        local = f"{invite.headers.get('To')};tag={tag}"
        remote = invite.headers.get("From") or ""
        tags = invite.from_tag or ""
        target = sip_contact(invite.contacts) or invite.uri
        dialog = cls(invite.call_id, (local, tag), (remote, tags), target, source)
        dialog._routes = invite.record_routes
        dialog.remote_number = invite.cseq.number
        dialog._is_behind_nat = is_behind_nat(invite.vias, source)
        return dialog

    @classmethod
    def of_caller(cls, invite: Draft, tag: str, response: Response, hop: Hop) -> Self:
        """12.1.2; `tag` is our own, `hop` where the INVITE went."""
        local = (invite.from_value, tag)
        remote = (response.headers.get("To") or "", response.to_tag or "")
        dialog = cls(invite.call_id, local, remote, invite.uri, hop)
        dialog._number = invite.number
        dialog.learn(response)
        return dialog

    @property
    def key(self) -> DialogKey:
        return (self.call_id, self.local_tag, self.remote_tag)

    def learn(self, response: Response) -> None:
        """A 2xx settles the routes anew, whatever provisional ones said (13.2.2.4)."""
        self._routes = response.record_routes[::-1]
        self._target = sip_contact(response.contacts) or self._target

    def refresh(self, message: Request | Response, source: Hop | None = None) -> None:
        """The target, by a re-INVITE or an UPDATE that succeeds; not the routes."""
        self._target = sip_contact(message.contacts) or self._target
        if source is not None:
            self._source = source.sender
            self._is_behind_nat = is_behind_nat(message.vias, source)
            self._came_by_edge = source.origin is not None

    def hear(self, ack: Request, source: Hop) -> None:
        """It came straight to us, as the INVITE did not: so its sender is reached."""
        if self._came_by_edge and source.origin is None:
            self._source = source
            self._is_behind_nat = is_behind_nat(ack.vias, source)
            self._came_by_edge = False

    def next_number(self) -> int:
        self._number += 1
        return self._number

    def is_in_order(self, number: int) -> bool:
        """Whether a request is newer than all that came (12.2.2)."""
        last = self.remote_number
        if last is not None and number <= last:
            return False
        self.remote_number = number
        return True

    def draft(
        self,
        method: str,
        headers: Fields = (),
        *,
        body: bytes = b"",
        content_type: str | None = None,
        number: int | None = None,
    ) -> Draft:
        """Without a number it gets the next."""
        way = way_to(self._target, self._routes)
        return Draft(
            method,
            way.uri,
            self._local,
            self._remote,
            self.call_id,
            self.next_number() if number is None else number,
            way.routes,
            headers,
            body,
            content_type,
        )

    def hop(self) -> Hop:
        """Over the dialog's transport, unless the URI names another.

        To its source when that is a caller behind a NAT, whose Contact leads nowhere;
        on the connection that it came by, when it is the same host.
        """
        source, following = self._source, way_to(self._target, self._routes).next
        is_hidden = self._is_behind_nat and not self._routes
        if is_hidden or not following.is_sip:
            return source
        hop = hop_of(following, source.transport)
        if (hop.transport, hop.host) == (source.transport, source.host):
            return Hop(hop.transport, hop.host, hop.port, source.flow)
        return hop


def sip_contact(contacts: Iterable[Address]) -> Uri | None:
    return next((each.uri for each in contacts if each.uri.is_sip), None)
