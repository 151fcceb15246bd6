"""The control plane's routes for workers, as `chalicelib.protocol.fleet` has them."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import aiohttp
from yarl import URL

from chalicelib.protocol.control import WorkerHealth
from chalicelib.protocol.fleet import Facts, Heartbeat
from chalicelib.protocol.lease import Fact, Lease, Neighbour, Witness
from chalicelib.protocol.tokens import worker_token

ANSWER_SECONDS = 2.5
PROBE_SECONDS = 2.0
FENCED = 409
UNKNOWN = 404
NEVER = frozenset({400, 413, 422})
"""The same again would be answered the same."""
NOT_ANSWERED = (aiohttp.ClientError, TimeoutError, OSError)
NOT_UNDERSTOOD = (ValueError, KeyError, TypeError, AttributeError)


class ControlPlaneError(Exception):
    """A call came to nothing.

    ControlPlaneError
    ├── Fenced        another has taken our place
    ├── Refused       and so would the same be, always
    └── Unanswered    it is away, or does not make sense
        └── Unknown   it has no such thing
    """


class Fenced(ControlPlaneError):
    pass


class Refused(ControlPlaneError):
    pass


class Unanswered(ControlPlaneError):
    pass


class Unknown(Unanswered):
    pass


def new_client() -> aiohttp.ClientSession:
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    return aiohttp.ClientSession(timeout=timeout, trust_env=False)


class ControlPlane:
    """What one worker may ask of it. All raise `ControlPlaneError`."""

    def __init__(
        self,
        client: aiohttp.ClientSession,
        control_url: str,
        worker_id: str,
        jwt_secret: str,
        epoch_ms: Callable[[], int],
    ) -> None:
        self._client = client
        self._base = f"{control_url.rstrip('/')}/internal/workers/{worker_id}"
        self._worker_id = worker_id
        self._jwt_secret = jwt_secret
        self._epoch_ms = epoch_ms

    async def renew(self, lease: Lease) -> Heartbeat:
        answer = await self._call("PUT", "lease", lease.render())
        try:
            return Heartbeat.parse(answer)
        except NOT_UNDERSTOOD:
            raise Unanswered("the heartbeat's answer is none") from None

    async def tell(self, facts: tuple[Fact, ...]) -> None:
        await self._call("POST", "facts", Facts(facts).render())

    async def testify(self, witness: Witness) -> None:
        await self._call("POST", "witnesses", witness.render())

    async def finish(self, command_id: str) -> None:
        await self._call("POST", f"orders/{quote(command_id, safe='')}/done", {})

    async def find(self, tenant: str, session_id: str) -> Neighbour | None:
        """The live worker that told of the session."""
        path = f"sessions/{quote(session_id, safe='')}?tenant={quote(tenant, safe='')}"
        try:
            return Neighbour.parse(await self._call("GET", path))
        except Unknown:
            return None
        except NOT_UNDERSTOOD:
            raise Unanswered("the answer is no worker") from None

    async def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Any:
        now = self._epoch_ms() / 1_000
        token = worker_token(self._jwt_secret, self._worker_id, now)
        headers = {"Authorization": f"Bearer {token}"}
        url = URL(f"{self._base}/{path}", encoded=True)
        try:
            async with self._client.request(
                method, url, json=body, headers=headers, allow_redirects=False
            ) as response:
                _check(response.status)
                content = await response.read()
                return await response.json() if content else None
        except (*NOT_ANSWERED, ValueError) as error:
            raise Unanswered(type(error).__name__) from None


def _check(status: int) -> None:
    if status == FENCED:
        raise Fenced
    if status in NEVER:
        raise Refused(f"answered {status}")
    if status == UNKNOWN:
        raise Unknown(f"answered {status}")
    if not 200 <= status < 300:
        raise Unanswered(f"answered {status}")


async def is_there(client: aiohttp.ClientSession, suspect: Lease) -> bool:
    """Whether the worker of the lease, and no other, answers at its address."""
    timeout = aiohttp.ClientTimeout(total=PROBE_SECONDS)
    url = f"http://{suspect.address}/health"
    try:
        async with client.get(url, timeout=timeout, allow_redirects=False) as response:
            health = WorkerHealth.parse(await response.json())
    except (*NOT_ANSWERED, *NOT_UNDERSTOOD):
        return False
    return health.worker_id == suspect.worker_id
