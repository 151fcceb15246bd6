"""The legs of phones: made, looked after, and their sockets and tasks owned."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from typing import Any

from chalicelib.protocol.session.vocabulary import Codec
from chalicelib.protocol.url_policy import UrlPolicy
from mediaworker.audio.coders import coder_of
from mediaworker.runtime import clock as world
from mediaworker.runtime.legs import Holder, Leg
from mediaworker.runtime.ports import NotYours
from mediaworker.session.legs import DropLeg
from mediaworker.sip.endpoint import Endpoint, Identity, Limits
from mediaworker.sip.origins import Seal
from mediaworker.sip.routing import Hop, Transmission, Transport
from mediaworker.telephony import resolving
from mediaworker.telephony.defences import Defences
from mediaworker.telephony.exchange import Exchange
from mediaworker.telephony.leg import PhoneLeg
from mediaworker.telephony.lobby import Lobby, Waiting
from mediaworker.telephony.outbound import Outbound
from mediaworker.telephony.reception import CallReception, Door
from mediaworker.telephony.records import Records
from mediaworker.telephony.rtp_ports import RtpPorts
from mediaworker.telephony.settings import PhoneSettings
from mediaworker.telephony.share import PhoneRules, Place, Share
from mediaworker.telephony.sip_sockets import Listeners, SipPortTaken, SipSockets
from mediaworker.telephony.site import Site
from mediaworker.telephony.webhook import SipWebhook

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
"""How often each leg is looked after."""
LEAVE_SECONDS = 0.2
"""How long the last BYEs may take."""
CODECS = (Codec.PCMU, Codec.PCMA, Codec.G722)
USER_AGENT = "Parley"


class Phones:
    """Those of one worker; `make` is the maker of a leg, once `run` runs."""

    def __init__(self, settings: PhoneSettings, site: Site) -> None:
        """Bound, and not listening yet. Raises `SipPortTaken`; within a running
        loop."""
        self._settings = settings
        self._site = site
        self._tasks: asyncio.TaskGroup | None = None
        self._legs: set[PhoneLeg] = set()
        self._lobby = Lobby()
        self._defences = Defences(settings.peers)
        self._records = Records()
        self._is_listening = False
        self._sockets = SipSockets(
            self._defences,
            world.monotonic,
            Listeners(self._heard, self._failed),
            self._spawn,
            self._resolve,
            Seal(site.secret) if site.secret else None,
        )
        self.port = self._bind()
        self._place = self._own_place()
        self._exchange = Exchange(
            Endpoint(self._identity(), _token, limits=Limits()),
            world.monotonic,
            self._send,
            lambda invite: self._reception.receive(invite),
        )
        self._share = self._shared()
        self._reception = CallReception(self._door(), self._lobby, self._share)

    @property
    def is_ready(self) -> bool:
        """Calls can come."""
        return self._is_listening

    def make(self, holder: Holder) -> Leg:
        """Raises `NotYours`."""
        is_taking = self._lobby.holds(holder.session_id)
        if is_taking or holder.listen is not None:
            self._check(holder)
        leg = PhoneLeg(holder, self._share, self._gone)
        self._legs.add(leg)
        call = self._lobby.take(holder.session_id) if is_taking else None
        if call is not None:
            leg.take_in(call)
        elif holder.listen is not None:
            self._lobby.listen(Waiting(leg, holder.listen))
        return leg

    def move(self, address: str) -> None:
        """Phones reach us there from now on; calls that are up stay as they are."""
        self._place.host = self._place.media_host = address
        self._exchange.endpoint.rename(_bracketed(address))

    def drain(self) -> None:
        """No more calls come in, and those that nobody has taken go elsewhere."""
        self._reception.close()

    async def run(self) -> None:
        """Until cancelled; all calls end with it."""
        await self._sockets.open()
        self._is_listening = True
        logger.info("SIP listens", extra={"port": self.port})
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                try:
                    await self._look()
                finally:
                    self._tasks = None
                    await self._leave()
        finally:
            self._is_listening = False
            self._exchange.close()
            self._sockets.close()

    def readings(self) -> Mapping[str, float]:
        counts = self._exchange.endpoint.counts
        return {
            "sip_bans_total": self._defences.bans,
            "sip_calls_ended_total": self._records.told,
            "sip_calls_waiting": len(self._lobby),
            "sip_connections": self._sockets.connections,
            "sip_dialogs": counts.dialogs,
            "sip_invites_refused_total": self._reception.refused,
            "sip_invites_total": self._reception.came,
            "sip_listeners": self._lobby.listeners,
            "sip_messages_dropped_total": self._defences.dropped + self._sockets.lost,
            "sip_outbound_refused_total": self._share.outbound.refused,
            "sip_rtp_ports": 2 * len(self._share.ports),
            "sip_transactions": counts.transactions,
        }

    # Putting it together

    def _bind(self) -> int:
        settings, site = self._settings, self._site
        try:
            return self._sockets.bind(site.host, settings.port)
        except SipPortTaken:
            if settings.is_port_asked_for:
                raise
        port = self._sockets.bind(site.host, 0)
        told = {"port": port, "taken": settings.port}
        logger.warning("SIP's usual port is taken", extra=told)
        return port

    def _own_place(self) -> Place:
        site, media_host = self._site, self._settings.media_host or self._site.host
        return Place(
            site.public_address or resolving.own_address(site.host),
            site.public_address or resolving.own_address(media_host),
        )

    def _identity(self) -> Identity:
        ports: dict[Transport, int] = {"UDP": self.port, "TCP": self.port}
        return Identity(_bracketed(self._place.host), ports, USER_AGENT)

    def _shared(self) -> Share:
        settings, site = self._settings, self._site
        media_host = settings.media_host or site.host
        rules = PhoneRules(settings.ring_seconds, site.media_timeout_seconds)
        return Share(
            rules,
            self._exchange,
            RtpPorts(media_host, settings.rtp_ports, world.monotonic, world.new_ssrc()),
            Outbound(
                settings.destinations,
                settings.caps,
                allows_loopback=site.is_development,
            ),
            self._place,
            CODECS,
            lambda terms: coder_of(terms.codec),
            world.monotonic,
            world.epoch_ms,
            world.epoch_seconds,
            world.new_ssrc,
            world.new_uuid,
            self._records.tell,
            self._resolve,
            self._spawn,
        )

    def _door(self) -> Door:
        settings, site = self._settings, self._site
        webhook = SipWebhook(
            settings.webhook_urls,
            settings.webhook_secret,
            UrlPolicy(allows_loopback=site.is_development),
            resolving.resolve_all,
            world.epoch_ms,
        )
        return Door(
            site.worker_id,
            site.ws_url,
            settings.tenant,
            settings.peers,
            site.is_development,
            webhook.tell if settings.webhook_urls else None,
            site.has_room,
        )

    # What the sockets bring, and what they are given

    def _heard(self, message: bytes, source: Hop) -> None:
        self._exchange.receive(message, source)

    def _failed(self, hop: Hop) -> None:
        self._exchange.failed(hop)

    def _send(self, transmission: Transmission) -> None:
        told = self._sockets.sender_of(transmission.data)
        host, now = (told or transmission.hop).host, world.monotonic()
        self._defences.saw_answer(transmission.data, host, now)
        self._sockets.send(transmission)

    async def _resolve(self, host: str) -> str:
        return await resolving.resolve(host, ":" in self._site.host)

    # Within

    def _check(self, holder: Holder) -> None:
        """Calls that come belong to one tenant, and not to each of its users."""
        site = self._site
        may_take = holder.is_privileged or site.is_development or site.is_open
        if holder.tenant != self._settings.tenant or not may_take:
            raise NotYours("calls that come are not for this user")

    def _gone(self, leg: PhoneLeg) -> None:
        self._legs.discard(leg)
        self._lobby.forget(leg)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._keep(world.monotonic())

    def _keep(self, now: float) -> None:
        for leg in list(self._legs):
            leg.keep(now)
        self._reception.keep(now)
        self._sockets.sweep(now)

    async def _leave(self) -> None:
        """End what is left, and let what was sent last be heard."""
        self.drain()
        for leg in list(self._legs):
            leg.obey(DropLeg())
        ends_at = world.monotonic() + LEAVE_SECONDS
        while self._is_busy and world.monotonic() < ends_at:  # noqa: ASYNC110 - peers
            await asyncio.sleep(0.02)

    @property
    def _is_busy(self) -> bool:
        return self._exchange.endpoint.counts.transactions > 0

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        if self._tasks is None:
            raise RuntimeError("the worker is not there for it")
        task = self._tasks.create_task(_guarded(work))
        # Cancelled before it has begun, it would be left as it is.
        task.add_done_callback(lambda done: work.close())
        return task


async def _guarded(work: Coroutine[Any, Any, None]) -> None:
    """One call's mistake is no other's."""
    try:
        await work
    except Exception:
        logger.exception("SIP task failed")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _token() -> str:
    return world.new_uuid().replace("-", "")
