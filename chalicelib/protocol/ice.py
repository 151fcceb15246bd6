"""Which STUN and TURN servers a client is told of, and its credentials for them.

``ICE_SERVERS`` is the whole list as JSON; without it ``STUN_URLS`` and ``TURN_URLS``
name servers, and ``TURN_SECRET`` mints credentials that end by themselves, as
coturn's ``use-auth-secret`` checks them.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DEFAULT_STUN_URL = "stun:stun.l.google.com:19302"
CREDENTIAL_SECONDS = 24 * 3600
"""How long a minted credential opens a TURN server: longer than any call."""
STUN_URL = re.compile(r"stuns?:[^\s/?#@]+\Z")
TURN_URL = re.compile(r"turns?:[^\s/#@]+\Z")


class InvalidIceSettings(ValueError):
    """A variable has a value that it cannot have."""


@dataclass(frozen=True, slots=True)
class IceServer:
    """An entry as a browser's ``RTCPeerConnection`` takes it."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: str | None = field(default=None, repr=False)

    def render(self) -> dict[str, Any]:
        return {
            "urls": list(self.urls),
            "username": self.username,
            "credential": self.credential,
        }


@dataclass(frozen=True, slots=True)
class IceSettings:
    """What the environment says of STUN and TURN."""

    servers: tuple[IceServer, ...]
    """The same for everybody."""
    turn_urls: tuple[str, ...] = ()
    """Servers that want a credential of the user's own."""
    turn_secret: str = field(default="", repr=False)
    is_default: bool = False
    """Nobody has set any: good for browsers, and nothing that we use ourselves."""

    def render(self, uid: str, now_seconds: int) -> list[dict[str, Any]]:
        """The list for one user."""
        servers = self.servers
        if self.turn_urls:
            servers += (self._turn(uid, now_seconds),)
        return [server.render() for server in servers]

    def _turn(self, uid: str, now_seconds: int) -> IceServer:
        username = f"{now_seconds + CREDENTIAL_SECONDS}:{uid}"
        digest = hmac.new(self.turn_secret.encode(), username.encode(), hashlib.sha1)
        credential = base64.b64encode(digest.digest()).decode()
        return IceServer(self.turn_urls, username, credential)


def ice_servers(variables: Mapping[str, str]) -> IceSettings:
    """Raises `InvalidIceSettings` with the name of the variable and what it needs."""
    text = variables.get("ICE_SERVERS", "").strip()
    if text:
        return IceSettings(_parse_servers(text))
    stun_urls = _urls(variables, "STUN_URLS", STUN_URL)
    turn_urls = _urls(variables, "TURN_URLS", TURN_URL)
    secret = variables.get("TURN_SECRET", "")
    if turn_urls and not secret:
        raise InvalidIceSettings("TURN_URLS needs a TURN_SECRET beside it")
    is_default = not stun_urls and not turn_urls
    if is_default:
        stun_urls = (DEFAULT_STUN_URL,)
    servers = (IceServer(stun_urls),) if stun_urls else ()
    return IceSettings(servers, turn_urls, secret, is_default)


def _urls(
    variables: Mapping[str, str], name: str, form: re.Pattern[str]
) -> tuple[str, ...]:
    urls = (url.strip() for url in variables.get(name, "").split(","))
    return _checked(name, tuple(url for url in urls if url), form)


def _checked(
    name: str, urls: tuple[str, ...], *forms: re.Pattern[str]
) -> tuple[str, ...]:
    if not all(any(form.match(url) for form in forms) for url in urls):
        raise InvalidIceSettings(f"{name} has what is no STUN or TURN URL")
    return urls


def _parse_servers(text: str) -> tuple[IceServer, ...]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise InvalidIceSettings("ICE_SERVERS must be a JSON list")
    return tuple(map(_parse_server, found))


def _parse_server(value: Any) -> IceServer:
    fields = value if isinstance(value, dict) else {}
    urls = fields.get("urls")
    urls = [urls] if isinstance(urls, str) else urls
    if not isinstance(urls, list) or not urls:
        raise InvalidIceSettings("ICE_SERVERS: each needs urls")
    if not all(isinstance(url, str) for url in urls):
        raise InvalidIceSettings("ICE_SERVERS: each needs urls")
    username, credential = fields.get("username"), fields.get("credential")
    for each in (username, credential):
        if each is not None and not isinstance(each, str):
            raise InvalidIceSettings("ICE_SERVERS: username and credential are texts")
    checked = _checked("ICE_SERVERS", tuple(urls), STUN_URL, TURN_URL)
    return IceServer(checked, username, credential)
