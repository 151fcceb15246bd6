"""What the console needs of the laptop: where the worker is, and a token.

Whoever may use this machine may be anybody here; a page of another origin may not,
though the browser that shows it runs on this machine.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import jwt
from aiohttp import web

from chalicelib.protocol.vocabulary import DEFAULT_TENANT, Role
from infra.laptop.settings import Settings
from infra.token import ALGORITHM, Wanted, claims_of

CONFIG_PATH = "/config.json"
TOKEN_PATH = "/laptop/token"
CLIENTS_PATH = "/ws"
"""Where the HTTP port has the sockets of clients."""
HOURS = 12.0
UID_MAX_LENGTH = 64
ROLES = (Role.USER.value, Role.ADMIN.value)
"""Whom a page may sign in: on the laptop its user is the operator too."""
BODY = (
    f'the body is {{"uid": 1 to {UID_MAX_LENGTH} characters, '
    f'"role": {" or ".join(ROLES)}}}'
)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
NO_STORE = {"Cache-Control": "no-store"}


class SignIn:
    """Gives tokens of users to the console's own pages."""

    def __init__(
        self, jwt_secret: str, settings: Settings, now_seconds: Callable[[], float]
    ) -> None:
        self._jwt_secret = jwt_secret
        self._worker_port = settings.worker_port
        self._hosts = LOOPBACK | {settings.host, settings.probe_host}
        self._now_seconds = now_seconds

    def add_routes(self, router: web.UrlDispatcher) -> None:
        router.add_get(CONFIG_PATH, self._config)
        router.add_post(TOKEN_PATH, self._token)

    async def _config(self, request: web.Request) -> web.Response:
        """The same keys as the file that stands beside the console in the cloud."""
        host = _host_of(request)
        bracketed = f"[{host}]" if ":" in host else host
        config = {
            "sessionsUrl": f"ws://{bracketed}:{self._worker_port}",
            "clientsUrl": f"ws://{request.host}{CLIENTS_PATH}",
            "tokenUrl": TOKEN_PATH,
        }
        return web.json_response(config, headers=NO_STORE)

    async def _token(self, request: web.Request) -> web.Response:
        if not self._is_ours(request):
            return _refused(403, "only this console's own pages get a token")
        wanted = await _wanted(request)
        if wanted is None:
            return _refused(400, BODY)
        claims = claims_of(wanted, int(self._now_seconds()))
        token = jwt.encode(claims, self._jwt_secret, ALGORITHM)
        given = {"token": token, "uid": wanted.uid, "role": wanted.role}
        return web.json_response(given, headers=NO_STORE)

    def _is_ours(self, request: web.Request) -> bool:
        """By a name of this machine, so that no name rebound to it counts either."""
        origin = request.headers.get("origin", "")
        is_same = origin == f"http://{request.host}"
        return is_same and _host_of(request) in self._hosts


def _host_of(request: web.Request) -> str:
    try:
        return urlsplit(f"//{request.host}").hostname or ""
    except ValueError:
        return ""


async def _wanted(request: web.Request) -> Wanted | None:
    try:
        body: Any = await request.json()
    except ValueError:
        return None
    if not isinstance(body, Mapping):
        return None
    uid, role = body.get("uid"), body.get("role", Role.USER)
    if not isinstance(uid, str) or uid.strip() != uid or not uid.isprintable():
        return None
    if not 1 <= len(uid) <= UID_MAX_LENGTH or role not in ROLES:
        return None
    return Wanted(uid, role, DEFAULT_TENANT, HOURS)


def _refused(status: int, sentence: str) -> web.Response:
    return web.json_response({"code": status, "message": sentence}, status=status)
