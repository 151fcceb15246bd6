"""Sessions, for people: who may see which, and end it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from chalicelib.protocol.claims import Principal
from chalicelib.protocol.lease import EndSession
from chalicelib.protocol.session.vocabulary import HangupReason
from chalicelib.protocol.vocabulary import Role
from mediaworker.gateway.doorkeeper import Doorkeeper
from mediaworker.gateway.errors import Refused
from mediaworker.runtime.ports import Sessions, SessionView

SYSTEM = "system"


class Calls:
    """``/call/lists`` and ``/call/kill/{id}``."""

    def __init__(
        self, sessions: Sessions, doorkeeper: Doorkeeper, new_id: Callable[[], str]
    ) -> None:
        self._sessions = sessions
        self._doorkeeper = doorkeeper
        self._new_id = new_id

    async def lists(self, request: web.Request) -> web.Response:
        principal = self._doorkeeper.admit(request.headers, request.query)
        views = self._sessions.views()
        calls = [render(view) for view in views if may_see(principal, view)]
        return web.json_response({"calls": calls})

    async def kill(self, request: web.Request) -> web.Response:
        """Somebody else's session is as unknown as one that never was."""
        principal = self._doorkeeper.admit(request.headers, request.query)
        session_id = request.match_info["id"]
        is_known = is_theirs(self._sessions, principal, session_id)
        if not is_known or not self._end(session_id):
            raise Refused(404, "there is no such call")
        return web.json_response(True)

    def _end(self, session_id: str) -> bool:
        return self._sessions.end(
            EndSession(session_id, HangupReason.BY_SYSTEM, SYSTEM, self._new_id())
        )


def is_theirs(sessions: Sessions, principal: Principal, session_id: str) -> bool:
    """Whether there is such a session, and the principal may see it."""
    return any(
        view.session_id == session_id and may_see(principal, view)
        for view in sessions.views()
    )


def may_see(principal: Principal, view: SessionView) -> bool:
    """Its owner, and an administrator of the tenant."""
    may = principal.uid == view.uid or principal.role is Role.ADMIN
    return principal.tenant == view.tenant and may


def render(view: SessionView) -> dict[str, Any]:
    """An entry of the contract's list: of the option, nothing that is secret."""
    parties = {"caller": view.caller, "callee": view.callee}
    created_at = datetime.fromtimestamp(view.created_at_ms / 1_000, UTC)
    return {
        "id": view.session_id,
        "call_type": view.call_type.value,
        "created_at": created_at.isoformat(timespec="milliseconds").replace(
            "+00:00", "Z"
        ),
        "option": {name: who for name, who in parties.items() if who is not None},
    }
