"""Active Call: a session on the worker's socket, listed and killed over HTTP."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp

from infra.demo.client import DemoFailed, token
from infra.demo.stage import Stage

WAIT_SECONDS = 10.0
BUSY, BUSY_SECONDS = 503, 20.0
LIST, KILL = "/call/lists", "/call/kill"


async def killed(stage: Stage, worker_port: int) -> None:
    """Open, seen in the list, killed, and told why; raises `DemoFailed`."""
    owner, session_id = stage.name("alice"), stage.name("session")
    query = {"id": session_id, "token": token(owner)}
    url = f"http://127.0.0.1:{worker_port}/call?{urlencode(query)}"
    async with aiohttp.ClientSession() as client:
        try:
            async with await _opened(client, url) as socket:
                async with asyncio.timeout(WAIT_SECONDS):
                    await _live(stage, socket, owner, session_id)
        except aiohttp.WSServerHandshakeError as refusal:
            raise DemoFailed(f"The worker refuses with {refusal.status}.") from None
        except (aiohttp.ClientError, TimeoutError) as failure:
            name = type(failure).__name__
            raise DemoFailed(f"The worker's /call failed: {name}.") from None


async def _opened(
    client: aiohttp.ClientSession, url: str
) -> aiohttp.ClientWebSocketResponse:
    """A worker that is short of time for a moment says so, and is asked again."""
    deadline = asyncio.get_running_loop().time() + BUSY_SECONDS
    while True:
        try:
            return await client.ws_connect(url)
        except aiohttp.WSServerHandshakeError as refusal:
            now = asyncio.get_running_loop().time()
            if refusal.status != BUSY or now > deadline:
                raise
        await asyncio.sleep(1)


async def _live(
    stage: Stage, socket: aiohttp.ClientWebSocketResponse, owner: str, session_id: str
) -> None:
    stage.say("alice's application opens a session on the worker's /call")
    option = {"codec": "pcmu", "caller": "alice", "callee": "parley"}
    await socket.send_json({"command": "invite", "option": option})
    events = _events(socket)
    await _event(events, "answer")
    stage.say("the session is answered")
    entry = await _listed(stage, owner, session_id)
    option = entry["option"]
    stage.say(
        f"GET {LIST}: a {entry['call_type']} call "
        f"from {option['caller']} to {option['callee']}"
    )
    await asyncio.to_thread(
        stage.client.call, "POST", f"{KILL}/{session_id}", owner, {}
    )
    stage.say(f"POST {KILL}/…: true")
    hangup = await _event(events, "hangup")
    stage.say(f"the application hears: hangup, {hangup['reason']}")


async def _events(
    socket: aiohttp.ClientWebSocketResponse,
) -> AsyncIterator[dict[str, Any]]:
    async for message in socket:
        if message.type is aiohttp.WSMsgType.TEXT:
            yield json.loads(message.data)


async def _event(events: AsyncIterator[dict[str, Any]], name: str) -> dict[str, Any]:
    async for event in events:
        if event["event"] == name:
            return event
    raise DemoFailed(f"The session ended without `{name}`.")


async def _listed(stage: Stage, owner: str, session_id: str) -> dict[str, Any]:
    """As soon as its worker has told of it."""
    while True:
        found = await asyncio.to_thread(stage.client.call, "GET", LIST, owner)
        for entry in found["calls"]:
            if entry["id"] == session_id:
                return dict(entry)
        await asyncio.sleep(0.05)
