"""The edge's HTTP port: how it stands, and what was counted."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from chalicelib.protocol.envelope import stamped
from chalicelib.protocol.tokens import Trust
from chalicelib.protocol.vocabulary import Role
from mediaworker.gateway.doorkeeper import Doorkeeper
from mediaworker.gateway.errors import Refused, refusals_as_json
from mediaworker.gateway.port import PortUnavailable

PREFIX = "parley_edge_"
TOTAL = "_total"
SHUTDOWN_SECONDS = 1.0

HELP: Mapping[str, str] = {
    "answers_total": "Requests that the edge answered itself.",
    "bans_total": "Sources that are not listened to for a while.",
    "calls_remembered": "Calls whose worker is remembered.",
    "connections": "TCP connections of SIP.",
    "draining": "1 once the edge is to end.",
    "messages_dropped_total": "Messages that were not read, or made no sense.",
    "messages_lost_total": "Responses whose connection had ended.",
    "requests_total": "Requests that were passed on to workers.",
    "responses_total": "Responses that were passed back.",
    "retries_total": "Calls that went to another worker, the first being full.",
    "roster_age_seconds": "Since the control plane told of its workers.",
    "roster_failures_total": "Times that the control plane told nothing.",
    "takers": "Workers that take calls.",
    "workers": "Workers that live and have a SIP port.",
}

Readings = Callable[[], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Standing:
    """What load balancers ask for."""

    workers: int
    takers: int
    is_draining: bool

    @property
    def is_well(self) -> bool:
        """New calls would find a worker here."""
        return self.takers > 0 and not self.is_draining


class ReadingsCollector(Collector):
    """Reads when it is asked, and keeps nothing."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        for name, value in self._readings().items():
            if name.endswith(TOTAL):
                full = PREFIX + name.removesuffix(TOTAL)
                yield CounterMetricFamily(full, HELP[name], value=value)
            else:
                yield GaugeMetricFamily(PREFIX + name, HELP[name], value=value)


def application_of(
    standing: Callable[[], Standing], readings: Readings, jwt_secret: str
) -> web.Application:
    doorkeeper = Doorkeeper(Trust(jwt_secret))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ReadingsCollector(readings))
    ProcessCollector(registry=registry)

    async def health(request: web.Request) -> web.Response:
        found = standing()
        body = {"status": "ok" if found.is_well else "unavailable"}
        counts = {"workers": found.workers, "takers": found.takers}
        status = 200 if found.is_well else 503
        return web.json_response(stamped({**body, **counts}), status=status)

    async def alive(request: web.Request) -> web.Response:
        """For whoever would start it again: that helps against no empty fleet."""
        return web.json_response(stamped({"status": "ok"}))

    async def metrics(request: web.Request) -> web.Response:
        principal = doorkeeper.admit(request.headers, request.query)
        if principal.role not in (Role.ADMIN, Role.SERVER):
            raise Refused(403, "metrics are for admins and servers")
        headers = {"Content-Type": CONTENT_TYPE_LATEST}
        return web.Response(body=generate_latest(registry), headers=headers)

    application = web.Application(middlewares=[refusals_as_json])
    application.router.add_get("/health", health)
    application.router.add_get("/alive", alive)
    application.router.add_get("/metrics", metrics)
    return application


@asynccontextmanager
async def listening(
    application: web.Application, host: str, port: int
) -> AsyncIterator[None]:
    """Within the block. Raises `PortUnavailable`."""
    runner = web.AppRunner(
        application, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS
    )
    await runner.setup()
    try:
        await _open(web.TCPSite(runner, host, port), port)
        yield
    finally:
        await runner.cleanup()


async def _open(site: web.TCPSite, port: int) -> None:
    """Raises `PortUnavailable`."""
    try:
        await site.start()
    except OSError as error:
        raise PortUnavailable(port, error.strerror) from None
