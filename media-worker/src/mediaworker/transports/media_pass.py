"""The way out to applications' media servers: found, guarded, connected, kept.

A name is resolved once, off the loop, every address that it has is checked, and the
connection goes to one of those. Nothing of ours goes with it: who has to know that it
is us puts a secret into its URL.
"""

import asyncio
import logging
import ssl
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from time import monotonic
from typing import Any
from urllib.parse import urlencode

from picows import WSError, WSHandshakeError

from chalicelib.protocol.session.options import MediaPassOption
from chalicelib.protocol.url_policy import Target
from mediaworker.runtime.passes import MediaEar
from mediaworker.session.passing import PassEnded, PassResumed
from mediaworker.speech.guard import FORBIDDEN, Guard
from mediaworker.speech.ports import Failure
from mediaworker.transports.media_socket import Line, Loss, Way

logger = logging.getLogger(__name__)

AGENT = "Parley-Media/1"
SCHEMES = {"ws": "http", "wss": "https"}
BAD_GATEWAY, TIMED_OUT = 502, 504
NO_TLS = "the URL is not allowed: it has to be wss"
NOT_FOR_US = range(400, 500)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long, and how often, a server is waited for."""

    connect_seconds: float = 5.0
    """For a name, a connection and an upgrade together."""
    ping_seconds: int = 20
    pauses: tuple[float, ...] = (0.25, 1.0, 2.0, 4.0, 8.0)
    """Before each try to have a lost socket back."""
    lost_seconds: float = 30.0
    """After which there are no more of them."""


PATIENCE = Patience()


class MediaClient:
    """A `MediaDoor`, once `run` runs."""

    def __init__(
        self,
        guard: Guard,
        patience: Patience = PATIENCE,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Made when the worker starts: reading the system's certificates takes long."""
        self._guard = guard
        self._patience = patience
        self._tls = tls or ssl.create_default_context()
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Until cancelled; all sockets end with it."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                await asyncio.Event().wait()
            finally:
                self._tasks = None

    def open(self, option: MediaPassOption, ear: MediaEar) -> "Visit":
        visit = Visit(self, option, ear)
        visit.task = self._spawn(visit.run())
        return visit

    async def connect(self, option: MediaPassOption, ear: MediaEar) -> Line:
        """Raises `Failure`."""
        try:
            async with asyncio.timeout(self._patience.connect_seconds):
                return await self._connect(option, ear)
        except TimeoutError:
            raise Failure(
                "the media server did not answer in time", TIMED_OUT
            ) from None
        except ssl.SSLCertVerificationError:
            sentence = "the media server's certificate is not valid"
            raise Failure(sentence, BAD_GATEWAY) from None
        except WSHandshakeError as error:
            raise _refused(error) from None
        except (OSError, WSError, ValueError):
            sentence = "the media server cannot be reached"
            raise Failure(sentence, BAD_GATEWAY) from None

    async def _connect(self, option: MediaPassOption, ear: MediaEar) -> Line:
        target = self._target(option.url)
        addresses = await self._guard.addresses(target.host, target.port)
        _check_tls(target, addresses)
        tls = self._tls if target.is_secure else None
        headers = {"User-Agent": AGENT, "X-Session-ID": ear.session_id}
        path = _path(target, option)
        way = Way(target.host, target.port, target.host_header, path, headers, tls)
        rate = option.output_sample_rate
        *others, last = addresses
        for address in others:
            try:
                return await Line.open(way, address, ear, rate, self.ping_seconds)
            except ssl.SSLError:
                raise
            except OSError:
                continue
        return await Line.open(way, last, ear, rate, self.ping_seconds)

    def _target(self, url: str) -> Target:
        """Raises `Failure`."""
        scheme, colon, rest = url.partition(":")
        known = SCHEMES.get(scheme.lower())
        if known is None or not colon:
            sentence = "the URL is not allowed: only ws and wss are"
            raise Failure(sentence, FORBIDDEN)
        target = self._guard.target(f"{known}:{rest}")
        if not target.is_secure and not self._guard.policy.allows_loopback:
            raise Failure(NO_TLS, FORBIDDEN)
        return target

    @property
    def ping_seconds(self) -> int:
        return self._patience.ping_seconds

    @property
    def patience(self) -> Patience:
        return self._patience

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        if self._tasks is None:
            work.close()
            raise RuntimeError("the worker is not there for it")
        return self._tasks.create_task(work)


class Visit:
    """One session at its media server, until one of the two has had enough."""

    def __init__(
        self, client: MediaClient, option: MediaPassOption, ear: MediaEar
    ) -> None:
        self.task: asyncio.Task[None] | None = None
        self._client = client
        self._option = option
        self._ear = ear
        self._line: Line | None = None

    def close(self, last_text: str | None) -> None:
        """For good, after a last text, if there is one."""
        if self._line is not None:
            self._line.close(last_text)
        if self.task is not None:
            self.task.cancel()

    async def run(self) -> None:
        """Tells the ear how it ended."""
        extra = {"session_id": self._ear.session_id}
        try:
            self._line = await self._client.connect(self._option, self._ear)
            logger.info("media server - CLOSED -> OPEN", extra=extra)
            self._ear.opened(self._line, None)
            await self._stay(self._line)
        except Failure as failure:
            logger.warning("media server failed", extra={**extra, "code": failure.code})
            self._ear.ended(PassEnded(failure.sentence, failure.code))
        else:
            logger.info("media server - OPEN -> CLOSED", extra=extra)
            self._ear.ended(PassEnded())

    async def _stay(self, line: Line) -> None:
        """Until the server closes it; raises `Failure` when it stays lost."""
        while True:
            loss = await line.lost()
            if loss is Loss.FINISHED:
                return
            self._line = None
            if loss is Loss.FAULT:
                sentence = "the media server does not speak WebSocket properly"
                raise Failure(sentence, BAD_GATEWAY)
            self._ear.lost()
            line, resumed = await self._come_back()
            self._line = line
            self._ear.opened(line, resumed)

    async def _come_back(self) -> tuple[Line, PassResumed]:
        """Raises the last `Failure`."""
        patience, lost_at = self._client.patience, monotonic()
        failure = Failure("the media server was lost", BAD_GATEWAY)
        for tries, pause in enumerate(patience.pauses, 1):
            await asyncio.sleep(pause)
            if monotonic() - lost_at > patience.lost_seconds:
                break
            try:
                line = await self._client.connect(self._option, self._ear)
            except Failure as error:
                failure = error
                continue
            return line, PassResumed(tries, round((monotonic() - lost_at) * 1_000))
        raise Failure(f"it was lost, and {failure.sentence}", failure.code)


def _check_tls(target: Target, addresses: Sequence[str]) -> None:
    """Without it, to this machine alone; raises `Failure`."""
    is_here = all(ip_address(address).is_loopback for address in addresses)
    if not target.is_secure and not is_here:
        raise Failure(NO_TLS, FORBIDDEN)


def _path(target: Target, option: MediaPassOption) -> str:
    """With what the contract adds to it."""
    told = {
        "sample_rate": option.output_sample_rate,
        "packet_size": option.packet_size,
    }
    joint = "&" if "?" in target.path else "?"
    return f"{target.path}{joint}{urlencode(told)}"


def _refused(error: WSHandshakeError) -> Failure:
    """A status is told; what else it said is not."""
    if error.response is None:
        return Failure("the media server's answer is not WebSocket", BAD_GATEWAY)
    status = int(error.response.status)
    code = status if status in NOT_FOR_US else BAD_GATEWAY
    return Failure(f"the media server answered {status}", code)
