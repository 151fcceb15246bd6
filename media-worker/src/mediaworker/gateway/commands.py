"""``POST /command/{id}``: a session's command, from beside its socket."""

from aiohttp import web

from chalicelib.protocol.session.codec import MalformedCommand, parse_command
from mediaworker.gateway.calls import is_theirs
from mediaworker.gateway.doorkeeper import Doorkeeper
from mediaworker.gateway.errors import Refused, refused_by
from mediaworker.gateway.orders import body_of
from mediaworker.runtime.ports import Refusal, Sessions


class Commands:
    """Brings to a session what its owner, or an administrator, wants of it."""

    def __init__(self, sessions: Sessions, doorkeeper: Doorkeeper) -> None:
        self._sessions = sessions
        self._doorkeeper = doorkeeper

    async def take(self, request: web.Request) -> web.Response:
        """200 when it was handed over: what comes of it, the events tell."""
        principal = self._doorkeeper.admit(request.headers, request.query)
        session_id = request.match_info["id"]
        command = await body_of(request)
        check(command)
        if not is_theirs(self._sessions, principal, session_id):
            raise unknown(session_id)
        try:
            is_sent = self._sessions.receive(session_id, command)
        except Refusal as refusal:
            raise refused_by(refusal) from None
        if not is_sent:
            raise unknown(session_id)
        return web.json_response({"status": "sent", "id": session_id})


def check(command: bytes) -> None:
    """Raises `Refused` for what is no command, as the socket's `error` would say it."""
    try:
        parse_command(command)
    except MalformedCommand as error:
        raise Refused(400, str(error)) from None


def unknown(session_id: str) -> Refused:
    """Somebody else's session is as unknown as one that never was."""
    told = {"status": "not_found", "id": session_id}
    return Refused(404, "there is no such call", fields=told)
