"""What binds the worker to others: whose tokens are good, its fleet, its task."""

from collections.abc import Callable, Coroutine
from typing import Any

import aiohttp

from chalicelib.protocol import tokens
from chalicelib.protocol.tokens import Keys, Trust
from mediaworker.control.fleet import Alone, Body, Fleet, Member
from mediaworker.control.membership import Me, Membership, Standing
from mediaworker.control.neighbours import Neighbours
from mediaworker.control.plane import ControlPlane
from mediaworker.control.task_guard import TaskGuard
from mediaworker.gateway.issuer import FetchedKeys
from mediaworker.runtime.clock import epoch_ms, monotonic
from mediaworker.settings import Settings

Run = Callable[[], Coroutine[Any, Any, None]]
"""Until it is cancelled."""


def trust_of(settings: Settings) -> tuple[Trust, tuple[Run, ...]]:
    """Whose tokens are good, and what fetches the keys that tell, if they are fetched.

    Made within a running loop.
    """
    # A token's first reader would keep the tick waiting for what it imports.
    tokens.prepare()
    issuer = settings.issuer
    if issuer is None:
        return Trust(settings.jwt_secret), ()
    if issuer.keys is not None:
        keys: Keys = issuer.keys
        runs: tuple[Run, ...] = ()
    else:
        fetched = FetchedKeys(issuer.url, lambda: int(monotonic() * 1_000))
        keys, runs = fetched, (fetched.run,)
    return Trust(settings.jwt_secret, keys, issuer.name, issuer.audience), runs


def fleet_of(
    settings: Settings, epoch: int, body: Body, neighbours: Neighbours
) -> Fleet:
    """Alone, unless a control plane is named."""
    control_url = settings.control_url
    if control_url is None:
        return Alone(body)
    worker_id = neighbours.worker_id
    me = Me(
        worker_id,
        epoch,
        settings.address,
        settings.ws_url,
        settings.capacity,
        settings.task_id,
        settings.sip_address,
        settings.release,
    )

    def reach(client: aiohttp.ClientSession) -> ControlPlane:
        secret = settings.jwt_secret
        return ControlPlane(client, control_url, worker_id, secret, epoch_ms)

    return Member(Membership(me), body, reach, epoch_ms, neighbours)


def guards_of(settings: Settings, standing: Callable[[], Standing]) -> tuple[Run, ...]:
    """What keeps ECS from stopping the worker's task, where it has one."""
    if settings.ecs_agent_url is None:
        return ()
    return (TaskGuard(settings.ecs_agent_url, standing).run,)
