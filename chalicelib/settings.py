"""What an operator can set, read once from the environment's variables."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from chalicelib import endpoint_settings, push_settings
from chalicelib.domain.endpoints import Endpoint
from chalicelib.endpoint_settings import InvalidEndpoints
from chalicelib.protocol.ice import IceSettings, InvalidIceSettings, ice_servers
from chalicelib.protocol.issuer import InvalidIssuer, IssuerSettings
from chalicelib.protocol.vocabulary import Dialect, Provider
from chalicelib.push_settings import InvalidPushSettings, PushSettings
from chalicelib.services.webhooks.visits import SCHEDULE_SECONDS

DEVELOPMENT = "development"
PRODUCTION = "production"
DEFAULT_TABLE = "calls"
MOST_ATTEMPTS = 20
LONGEST_WAIT_SECONDS = 24 * 3600
LONGEST_SCHEDULE_SECONDS = 10 * 24 * 3600
"""With its jitter still shorter than events are kept."""
MOST_A_MINUTE = 1_000_000
MIN_SECRET_BYTES = 32
"""RFC 7518 section 3.2: an HS256 key is as long as its hash."""


DEFAULT_PROVIDERS: Mapping[Dialect, Provider] = {
    Dialect.DTALK: Provider.TRTC,
    Dialect.OPENCHAT: Provider.P2P,
    Dialect.TGORTC: Provider.LIVEKIT,
    Dialect.V1: Provider.P2P,
}
"""Of the dialects that create calls, unless ``PARLEY_PROVIDER_<DIALECT>`` says."""


class InvalidSettings(ValueError):
    """A variable is missing, or has a value that it cannot have."""


@dataclass(frozen=True, slots=True)
class LiveKitSettings:
    """How LiveKit is reached, and what it trusts."""

    url: str
    """The server's, where its rooms are controlled."""
    client_url: str
    """Where clients go: ``LIVEKIT_CLIENT_URL``, or the server's own URL."""
    api_key: str
    api_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TrtcSettings:
    """The application at Tencent whose rooms are entered."""

    sdk_app_id: int
    secret_key: str = field(repr=False)


DEVELOPMENT_TRTC = TrtcSettings(1400000000, "parley-development-trtc-secret-key")
"""Of no application: its tickets are well formed and open nothing."""


@dataclass(frozen=True, slots=True)
class Settings:
    """See README's table of variables for what each means to an operator."""

    environment: str
    jwt_secret: str = field(repr=False)
    open_dialects: frozenset[Dialect]
    ring_seconds: int
    max_call_seconds: int
    max_participants: int
    livekit: LiveKitSettings | None
    """None where nothing is said of it."""
    trtc: TrtcSettings | None
    """None where nothing is said of it, outside development."""
    providers: Mapping[Dialect, Provider]
    endpoints: tuple[Endpoint, ...]
    """Of the default tenant."""
    table: str
    bus: str
    redelivery_machine_arn: str
    ice: IceSettings
    reaches_workers: bool
    """Whether workers' own ports can be reached, for orders that cannot wait."""
    webhook_schedule: tuple[int, ...] = SCHEDULE_SECONDS
    """Seconds before each attempt at a webhook, the first one's included."""
    kms_key_arn: str = ""
    """What seals the endpoints' secrets; empty for a key of `jwt_secret`."""
    connections_url: str = ""
    """Where the gateway of applications' sockets is posted to."""
    clients_url: str = ""
    """Where the gateway of devices' sockets is posted to."""
    issuer: IssuerSettings | None = None
    """Who else issues tokens, if anybody."""
    rate_limit: int = 300
    """How much a user may change in a minute; 0 for as much as it likes."""
    rate_limit_servers: int = 6000
    """The same of servers and administrators."""
    push: PushSettings = PushSettings()
    """Who carries pushes to phones."""

    @property
    def is_development(self) -> bool:
        return self.environment == DEVELOPMENT

    def provider_of(self, dialect: Dialect) -> Provider:
        """What carries a call that does not ask for another."""
        return self.providers[dialect]


def parse(variables: Mapping[str, str]) -> Settings:
    """Raises `InvalidSettings` with the name of the variable and what it needs."""
    environment = variables.get("PARLEY_ENV", PRODUCTION)
    if environment not in (DEVELOPMENT, PRODUCTION):
        raise InvalidSettings("PARLEY_ENV must be development or production")
    open_dialects = _open_dialects(variables.get("PARLEY_OPEN_DIALECTS", ""))
    if open_dialects and environment != DEVELOPMENT:
        raise InvalidSettings("PARLEY_OPEN_DIALECTS is for PARLEY_ENV=development only")
    return Settings(
        environment=environment,
        jwt_secret=_secret(variables, "PARLEY_JWT_SECRET"),
        open_dialects=open_dialects,
        ring_seconds=_integer(variables, "PARLEY_RING_SECONDS", 30, 5, 180),
        max_call_seconds=_integer(
            variables, "PARLEY_MAX_CALL_SECONDS", 4 * 3600, 60, 24 * 3600
        ),
        max_participants=_integer(variables, "PARLEY_MAX_PARTICIPANTS", 32, 2, 90),
        livekit=_livekit(variables),
        trtc=_trtc(variables, environment),
        providers={
            dialect: _provider(variables, dialect) for dialect in DEFAULT_PROVIDERS
        },
        endpoints=_endpoints(variables),
        table=variables.get("PARLEY_TABLE", DEFAULT_TABLE),
        bus=variables.get("PARLEY_BUS", "parley"),
        redelivery_machine_arn=variables.get("PARLEY_REDELIVERY_MACHINE_ARN", ""),
        ice=_ice(variables),
        reaches_workers=_flag(variables, "PARLEY_REACHES_WORKERS"),
        webhook_schedule=_schedule(variables.get("PARLEY_WEBHOOK_SCHEDULE", "")),
        kms_key_arn=variables.get("PARLEY_KMS_KEY_ARN", ""),
        connections_url=variables.get("PARLEY_CONNECTIONS_URL", "").rstrip("/"),
        clients_url=variables.get("PARLEY_CLIENTS_URL", "").rstrip("/"),
        issuer=_issuer(variables, environment),
        rate_limit=_integer(variables, "PARLEY_RATE_LIMIT", 300, 0, MOST_A_MINUTE),
        rate_limit_servers=_integer(
            variables, "PARLEY_RATE_LIMIT_SERVERS", 6000, 0, MOST_A_MINUTE
        ),
        push=_push(variables),
    )


def _ice(variables: Mapping[str, str]) -> IceSettings:
    try:
        return ice_servers(variables)
    except InvalidIceSettings as error:
        raise InvalidSettings(str(error)) from None


def _issuer(variables: Mapping[str, str], environment: str) -> IssuerSettings | None:
    try:
        is_development = environment == DEVELOPMENT
        return IssuerSettings.parse(variables, is_development=is_development)
    except InvalidIssuer as error:
        raise InvalidSettings(str(error)) from None


def _schedule(text: str) -> tuple[int, ...]:
    """Seconds, with commas between them."""
    if not text.strip():
        return SCHEDULE_SECONDS
    waits = [wait.strip() for wait in text.split(",")]
    if not 2 <= len(waits) <= MOST_ATTEMPTS or not all(
        wait.isdecimal() and len(wait) < 7 and int(wait) <= LONGEST_WAIT_SECONDS
        for wait in waits
    ):
        raise InvalidSettings(
            f"PARLEY_WEBHOOK_SCHEDULE needs 2 to {MOST_ATTEMPTS} waits with commas "
            f"between them, each of 0 to {LONGEST_WAIT_SECONDS} seconds"
        )
    schedule = tuple(map(int, waits))
    if sum(schedule) > LONGEST_SCHEDULE_SECONDS:
        raise InvalidSettings("PARLEY_WEBHOOK_SCHEDULE lasts longer than ten days")
    return schedule


def _endpoints(variables: Mapping[str, str]) -> tuple[Endpoint, ...]:
    try:
        return endpoint_settings.parse(variables)
    except InvalidEndpoints as error:
        raise InvalidSettings(str(error)) from None


def _push(variables: Mapping[str, str]) -> PushSettings:
    try:
        return push_settings.parse(variables)
    except InvalidPushSettings as error:
        raise InvalidSettings(str(error)) from None


def _livekit(variables: Mapping[str, str]) -> LiveKitSettings | None:
    if not variables.get("LIVEKIT_API_KEY"):
        return None
    client_url = variables.get("LIVEKIT_CLIENT_URL") or variables.get("LIVEKIT_URL")
    if not client_url:
        raise InvalidSettings("LIVEKIT_API_KEY needs a LIVEKIT_URL beside it")
    url = variables.get("LIVEKIT_URL") or client_url
    if not url.startswith(("ws://", "wss://", "http://", "https://")):
        raise InvalidSettings("LIVEKIT_URL must be a ws, wss, http or https URL")
    return LiveKitSettings(
        url,
        client_url,
        variables["LIVEKIT_API_KEY"],
        _secret(variables, "LIVEKIT_API_SECRET"),
    )


def _trtc(variables: Mapping[str, str], environment: str) -> TrtcSettings | None:
    text = variables.get("TRTC_SDK_APP_ID", "").strip()
    if not text:
        return DEVELOPMENT_TRTC if environment == DEVELOPMENT else None
    sdk_app_id = _integer(variables, "TRTC_SDK_APP_ID", 0, 1, 2**32 - 1)
    return TrtcSettings(sdk_app_id, _secret(variables, "TRTC_SECRET_KEY"))


def _provider(variables: Mapping[str, str], dialect: Dialect) -> Provider:
    name = f"PARLEY_PROVIDER_{dialect.name}"
    text = variables.get(name, "").strip()
    try:
        return Provider(text) if text else DEFAULT_PROVIDERS[dialect]
    except ValueError:
        known = ", ".join(Provider)
        raise InvalidSettings(f"{name} knows {known}") from None


def _open_dialects(text: str) -> frozenset[Dialect]:
    names = [name for name in map(str.strip, text.split(",")) if name]
    try:
        return frozenset(map(Dialect, names))
    except ValueError:
        known = ", ".join(Dialect)
        raise InvalidSettings(f"PARLEY_OPEN_DIALECTS knows {known}") from None


def _secret(variables: Mapping[str, str], name: str) -> str:
    secret = variables.get(name, "")
    if len(secret.encode()) < MIN_SECRET_BYTES:
        raise InvalidSettings(f"{name} needs at least {MIN_SECRET_BYTES} bytes")
    return secret


def _flag(variables: Mapping[str, str], name: str) -> bool:
    text = variables.get(name, "").strip().lower()
    if text not in ("", "true", "false"):
        raise InvalidSettings(f"{name} must be true or false")
    return text == "true"


def _integer(
    variables: Mapping[str, str], name: str, default: int, low: int, high: int
) -> int:
    text = variables.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or not low <= int(text) <= high:
        raise InvalidSettings(f"{name} must be a number from {low} to {high}")
    return int(text)
