"""A session on Parley's socket: the person's audio goes up, the agent's comes down."""

import asyncio
import json
from collections.abc import Callable
from urllib.parse import urlencode

import aiohttp

from examples.agent.agent import INVITE, Agent, Command, Event
from examples.agent.person import Person
from examples.agent.tape import Tape

BUSY = 503
BUSY_SECONDS = 3.0
ATTEMPTS = 5

Told = Callable[[Event], None]


class NoCall(Exception):
    """One sentence that says why there is no session."""


async def talk(
    url: str, token: str, agent: Agent, person: Person, tape: Tape, told: Told
) -> None:
    """From the invite to the hang-up; raises `NoCall`."""
    address = f"{url}?{urlencode({'token': token, 'codec': 'pcm'})}"
    async with aiohttp.ClientSession() as client:
        socket = await _connected(client, address, url)
        async with socket, asyncio.TaskGroup() as tasks:
            await _send(socket, INVITE)
            speaking = tasks.create_task(_speak(socket, person, tape))
            await _listen(socket, agent, person, tape, told)
            speaking.cancel()


async def _connected(
    client: aiohttp.ClientSession, address: str, url: str
) -> aiohttp.ClientWebSocketResponse:
    """A worker that is busy may be less so soon."""
    for _ in range(ATTEMPTS):
        try:
            return await client.ws_connect(address, max_msg_size=2**20)
        except aiohttp.WSServerHandshakeError as error:
            if error.status != BUSY:
                raise NoCall(f"{url} refuses with {error.status}.") from None
            await asyncio.sleep(BUSY_SECONDS)
        except aiohttp.ClientError:
            raise NoCall(f"Nobody answers at {url}: is `make run` up?") from None
    raise NoCall(f"{url} refuses with {BUSY}, again and again.")


async def _speak(
    socket: aiohttp.ClientWebSocketResponse, person: Person, tape: Tape
) -> None:
    async for frame in person.frames():
        tape.person(frame)
        await socket.send_bytes(frame)


async def _listen(
    socket: aiohttp.ClientWebSocketResponse,
    agent: Agent,
    person: Person,
    tape: Tape,
    told: Told,
) -> None:
    async for message in socket:
        if message.type is aiohttp.WSMsgType.BINARY:
            tape.agent(message.data)
            person.hear(message.data)
        elif message.type is aiohttp.WSMsgType.TEXT:
            event = json.loads(message.data)
            told(event)
            person.notice(event)
            for command in agent.hear(event):
                await _send(socket, command)


async def _send(socket: aiohttp.ClientWebSocketResponse, command: Command) -> None:
    await socket.send_str(json.dumps(command))
