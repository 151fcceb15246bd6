"""What the worker takes from its environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from chalicelib.protocol.ice import IceSettings, InvalidIceSettings, ice_servers
from chalicelib.protocol.issuer import InvalidIssuer, IssuerSettings
from chalicelib.protocol.session.fields import NAME_MAX
from chalicelib.protocol.session.ids import WORKER_ID
from chalicelib.protocol.session.kinds import CONTROL
from chalicelib.protocol.session.query import SERVER_SIDE_TRACK
from chalicelib.protocol.vocabulary import Dialect
from mediaworker.telephony.settings import BadPhoneSetting, PhoneSettings

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
DEVELOPMENT = "development"
PRODUCTION = "production"
MIN_SECRET_BYTES = 32
WILDCARDS = ("", "0.0.0.0", "::")
LOOPBACK = "127.0.0.1"
STUN = "stun"
EMF = "emf"
METRICS = ("off", EMF)
ANY_ORIGIN = "*"
ORIGIN = re.compile(r"https?://[A-Za-z0-9.\[\]:-]{1,255}\Z")
WS_ORIGIN = re.compile(r"wss?://[A-Za-z0-9.\[\]:-]{1,255}")


class BadSetting(ValueError):
    """One sentence that says which variable is wrong, and why."""


@dataclass(frozen=True, slots=True)
class Settings:
    """See README's table of variables for what each means to an operator."""

    host: str
    port: int
    worker_id: str | None
    """None: choose one at random."""
    log_level: str
    is_development: bool
    jwt_secret: str = field(repr=False)
    is_open: bool
    """Whether `/call` and its REST need no token."""
    models: Path
    media_cache: Path
    control_url: str | None
    """None: the worker runs by itself."""
    task_id: str | None
    address: str
    """Host and port by which the control plane and other workers reach it."""
    capacity: int
    resume_seconds: int
    server_side_track: str
    ice: IceSettings = field(repr=False)
    cors_origins: frozenset[str] = frozenset()
    """Of pages that may read what the port answers; ``*`` for any."""
    credentials_path: str | None = field(default=None, repr=False)
    """Where ECS gives a task the credentials of its role."""
    public_address: str | None = None
    """The IP address of a 1:1 NAT before the worker."""
    learns_public_address: bool = False
    """It is to be asked of a STUN server."""
    media_timeout_seconds: int = 30
    """How long the far end of a leg may send nothing."""
    connect_seconds: int = 20
    """How long a browser's ICE and DTLS may take."""
    phones: PhoneSettings = PhoneSettings()
    issuer: IssuerSettings | None = None
    """Who else issues tokens, if anybody."""
    release: str | None = None
    """What the worker was built from."""
    ecs_agent_url: str | None = None
    """Where ECS is asked to spare the task; None anywhere else."""
    has_metric_lines: bool = False
    """Whether its log has metrics for CloudWatch, a line a minute."""

    outside_url: str | None = None
    """Of what is before the workers, for who cannot reach their addresses."""

    @property
    def ws_url(self) -> str:
        """Where applications are told to come for what this very worker has."""
        return self.outside_url or f"ws://{self.address}"

    @property
    def sip_address(self) -> str | None:
        """Where phones reach this very worker; None where they do not, or at a port
        that is not known before it is taken."""
        host, phones = self.address.rpartition(":")[0], self.phones
        return (
            f"{host}:{phones.port}"
            if phones.is_port_asked_for and phones.port
            else None
        )

    @classmethod
    def parse(cls, environment: Mapping[str, str]) -> Self:
        """Raises `BadSetting`; a variable that is empty counts as absent."""
        given = {name: value for name, value in environment.items() if value.strip()}
        is_development = _choice(
            given, "PARLEY_ENV", (DEVELOPMENT, PRODUCTION), PRODUCTION
        ) == (DEVELOPMENT)
        host = given.get("PARLEY_BIND", LOOPBACK)
        port = _whole(given, "PARLEY_WORKER_PORT", 8080, 1, 65535)
        control_url = _url(given, "PARLEY_CONTROL_URL")
        return cls(
            host=host,
            port=port,
            worker_id=_worker_id(given),
            log_level=_choice(given, "PARLEY_LOG_LEVEL", LOG_LEVELS, "INFO"),
            is_development=is_development,
            jwt_secret=_secret(given),
            is_open=_is_open(given, is_development),
            models=Path(given.get("PARLEY_MODELS", ".parley/models")),
            media_cache=Path(given.get("PARLEY_MEDIA_CACHE", ".parley/cache/tts")),
            control_url=control_url,
            task_id=given.get("PARLEY_TASK_ID"),
            address=_address(given, host, port, is_development or not control_url),
            capacity=_whole(given, "PARLEY_CAPACITY", 250, 1, 10_000),
            resume_seconds=_whole(given, "PARLEY_RESUME_SECONDS", 5, 0, 300),
            server_side_track=_track(given),
            ice=_ice(given),
            cors_origins=_origins(given, is_development),
            credentials_path=given.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
            public_address=_public_address(given),
            learns_public_address=_learns_public_address(given),
            media_timeout_seconds=_whole(
                given, "PARLEY_MEDIA_TIMEOUT_SECONDS", 30, 1, 3_600
            ),
            connect_seconds=_whole(given, "PARLEY_CONNECT_SECONDS", 20, 1, 300),
            phones=_phones(given, is_development),
            issuer=_issuer(given, is_development),
            release=_release(given),
            ecs_agent_url=_url(given, "ECS_AGENT_URI"),
            has_metric_lines=_choice(given, "PARLEY_METRICS", METRICS, "off") == EMF,
            outside_url=_outside_url(given),
        )


def _whole(
    given: Mapping[str, str], name: str, default: int, low: int, high: int
) -> int:
    text = given.get(name, str(default)).strip()
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    if not is_number or not low <= int(text) <= high:
        noun = "a port" if name.endswith("_PORT") else "a whole number"
        raise BadSetting(f"{name} is {noun} from {low} to {high}, not {text!r}.")
    return int(text)


def _choice(
    given: Mapping[str, str], name: str, words: tuple[str, ...], default: str
) -> str:
    text = given.get(name, default).strip()
    for word in words:
        if text.lower() == word.lower():
            return word
    raise BadSetting(f"{name} is one of {', '.join(words)}, not {text}.")


def _secret(given: Mapping[str, str]) -> str:
    secret = given.get("PARLEY_JWT_SECRET", "")
    if len(secret.encode()) < MIN_SECRET_BYTES:
        raise BadSetting(
            "PARLEY_JWT_SECRET is the secret that signs tokens, of at least "
            f"{MIN_SECRET_BYTES} bytes: without it nobody could be let in."
        )
    return secret


def _phones(given: Mapping[str, str], is_development: bool) -> PhoneSettings:
    try:
        return PhoneSettings.parse(given, is_development=is_development)
    except BadPhoneSetting as reason:
        raise BadSetting(str(reason)) from None


def _issuer(given: Mapping[str, str], is_development: bool) -> IssuerSettings | None:
    try:
        return IssuerSettings.parse(given, is_development=is_development)
    except InvalidIssuer as reason:
        raise BadSetting(f"{reason}.") from None


def _worker_id(given: Mapping[str, str]) -> str | None:
    worker_id = given.get("PARLEY_WORKER_ID")
    if worker_id is not None and not WORKER_ID.match(worker_id):
        raise BadSetting("PARLEY_WORKER_ID is 1 to 16 letters and digits.")
    return worker_id


def _is_open(given: Mapping[str, str], is_development: bool) -> bool:
    names = {n.strip() for n in given.get("PARLEY_OPEN_DIALECTS", "").split(",")}
    names.discard("")
    if names and not is_development:
        raise BadSetting("PARLEY_OPEN_DIALECTS is for PARLEY_ENV=development only.")
    if not names <= set(Dialect):
        raise BadSetting(f"PARLEY_OPEN_DIALECTS knows {', '.join(Dialect)}.")
    return Dialect.ACTIVE_CALL.value in names


def _origins(given: Mapping[str, str], is_development: bool) -> frozenset[str]:
    name = "PARLEY_CORS_ORIGINS"
    text = given.get(name, ANY_ORIGIN if is_development else "")
    origins = frozenset(filter(None, map(str.strip, text.split(","))))
    if not all(one == ANY_ORIGIN or ORIGIN.match(one) for one in origins):
        raise BadSetting(f"{name} is * or origins like https://example.com, by commas.")
    return origins


def _learns_public_address(given: Mapping[str, str]) -> bool:
    return given.get("PARLEY_PUBLIC_ADDRESS", "").strip().lower() == STUN


def _public_address(given: Mapping[str, str]) -> str | None:
    name = "PARLEY_PUBLIC_ADDRESS"
    text = given.get(name)
    if text is None or _learns_public_address(given):
        return None
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        raise BadSetting(f"{name} is an IP address or stun, not {text!r}.") from None


def _outside_url(given: Mapping[str, str]) -> str | None:
    name = "PARLEY_WS_URL"
    url = given.get(name, "").strip()
    if url and not WS_ORIGIN.fullmatch(url):
        raise BadSetting(f"{name} is like wss://media.example.com, without a path.")
    return url or None


def _release(given: Mapping[str, str]) -> str | None:
    release = given.get("PARLEY_RELEASE")
    if release is not None and (len(release) > NAME_MAX or CONTROL.search(release)):
        raise BadSetting(
            f"PARLEY_RELEASE is one line of at most {NAME_MAX} characters."
        )
    return release


def _url(given: Mapping[str, str], name: str) -> str | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_url = False
    if not is_url:
        raise BadSetting(f"{name} is an http or https URL.")
    return text


def _address(
    given: Mapping[str, str], host: str, port: int, may_be_loopback: bool
) -> str:
    name = "PARLEY_ADVERTISED_ADDRESS"
    address = given.get(name)
    if address is None:
        if host not in WILDCARDS:
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if not may_be_loopback:
            raise BadSetting(f"{name} is the host:port by which others reach {host}.")
        return f"{LOOPBACK}:{port}"
    try:
        parts = urlsplit(f"//{address}")
        is_whole = bool(parts.hostname and parts.port) and parts.netloc == address
    except ValueError:
        is_whole = False
    if not is_whole or "@" in address:
        raise BadSetting(f"{name} is host:port, not {address!r}.")
    return address


def _track(given: Mapping[str, str]) -> str:
    track = given.get("PARLEY_SERVER_SIDE_TRACK", SERVER_SIDE_TRACK)
    if len(track) > NAME_MAX or CONTROL.search(track):
        raise BadSetting(
            f"PARLEY_SERVER_SIDE_TRACK is one line of at most {NAME_MAX} characters."
        )
    return track


def _ice(given: Mapping[str, str]) -> IceSettings:
    try:
        return ice_servers(given)
    except InvalidIceSettings as error:
        raise BadSetting(f"{error}.") from None
