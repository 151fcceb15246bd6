"""A control plane on the loopback that keeps to `chalicelib.protocol.fleet`.

It speaks with workers alone: what it was told is there to be looked at, and what it
answers is the test's to say.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace

from aiohttp import web
from aiohttp.test_utils import TestServer

from chalicelib.protocol.fleet import Facts, Heartbeat
from chalicelib.protocol.lease import Fact, Lease, Witness, may_renew
from chalicelib.protocol.tokens import bearer_token, verify_worker

BASE = "/internal/workers/{worker_id}"
PATIENCE_SECONDS = 20.0
"""Processes start slowly where many do."""


@dataclass
class FakeControl:
    """Listens within ``async with``."""

    secret: str
    leases: dict[str, Lease] = field(default_factory=dict)
    facts: list[Fact] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    renewals: int = 0
    answers: Heartbeat = Heartbeat()
    statuses: dict[str, list[int]] = field(default_factory=dict)
    """What the next requests of a kind are answered instead: lease, facts …"""
    is_of_the_release_before: bool = False
    """It knows nothing of neighbours, and finds no session."""
    url: str = ""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["FakeControl"]:
        application = web.Application()
        routes = application.router
        routes.add_put(f"{BASE}/lease", self._lease)
        routes.add_post(f"{BASE}/facts", self._facts)
        routes.add_post(f"{BASE}/witnesses", self._witnesses)
        if not self.is_of_the_release_before:
            routes.add_get(f"{BASE}/sessions/{{session_id}}", self._find)
        routes.add_post(f"{BASE}/orders/{{command_id}}/done", self._done)
        async with TestServer(application) as server:
            self.url = str(server.make_url("/"))
            yield self

    async def until(self, is_so: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    async def _lease(self, request: web.Request) -> web.Response:
        self._check(request, "lease")
        lease = Lease.parse(await request.json())
        if not may_renew(self.leases.get(lease.worker_id), lease):
            raise web.HTTPConflict
        self.leases[lease.worker_id] = lease
        self.renewals += 1
        self._news.set()
        if self.is_of_the_release_before:
            answer = self.answers.render()
            del answer["workers"]
            return web.json_response(answer)
        known = tuple(lease.neighbour for lease in self.leases.values())
        return web.json_response(replace(self.answers, workers=known).render())

    async def _find(self, request: web.Request) -> web.Response:
        self._check(request, "find")
        wanted = (request.query["tenant"], request.match_info["session_id"])
        for fact in self.facts:
            if (fact.tenant, fact.session_id) == wanted:
                found = self.leases[fact.worker_id].neighbour
                return web.json_response(found.render())
        raise web.HTTPNotFound

    async def _facts(self, request: web.Request) -> web.Response:
        self._check(request, "facts")
        self.facts += Facts.parse(await request.json()).facts
        return self._taken()

    async def _witnesses(self, request: web.Request) -> web.Response:
        self._check(request, "witnesses")
        self.witnesses.append(Witness.parse(await request.json()))
        return self._taken()

    async def _done(self, request: web.Request) -> web.Response:
        self._check(request, "done")
        self.done.append(request.match_info["command_id"])
        return self._taken()

    def _taken(self) -> web.Response:
        self._news.set()
        return web.Response(status=204)

    def _check(self, request: web.Request, kind: str) -> None:
        token = bearer_token(request.headers, {})
        worker_id = verify_worker(token or "", self.secret)
        if worker_id != request.match_info["worker_id"]:
            raise web.HTTPForbidden
        planned = self.statuses.get(kind)
        if planned:
            self._news.set()
            raise _answer(planned.pop(0))


def _answer(status: int) -> web.HTTPException:
    kind = type("Planned", (web.HTTPException,), {"status_code": status})
    answer: web.HTTPException = kind()
    return answer
