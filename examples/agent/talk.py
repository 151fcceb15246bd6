"""A session on Parley's socket: events in, commands out, and audio beside them."""

import asyncio
import json
from collections.abc import Callable
from urllib.parse import urlencode

import aiohttp

from examples.agent.agent import INVITE, Agent, Command, Event
from examples.agent.person import Person
from examples.agent.tape import Tape

UNAUTHORIZED, FORBIDDEN = 401, 403
BUSY = 503
BUSY_SECONDS = 3.0
ATTEMPTS = 5
MESSAGE_BYTES = 2**20
CLOSE_SECONDS = 0.5
"""How long the worker has to answer our Close frame."""
SILENT_SECONDS = 30.0
"""Between two looks whether the worker is still there."""

Told = Callable[[Event], None]
Heard = Callable[[bytes], None]


class NoCall(Exception):
    """One sentence that says why there is no session."""

    def __init__(self, sentence: str, status: int | None = None) -> None:
        """``status`` is what the worker refuses with; None: nobody answers."""
        super().__init__(sentence)
        self.status = status


async def talk(
    url: str, token: str, agent: Agent, person: Person, tape: Tape, told: Told
) -> None:
    """From the invite to the hang-up; raises `NoCall`."""

    def notice(event: Event) -> None:
        told(event)
        person.notice(event)

    def heard(audio: bytes) -> None:
        tape.agent(audio)
        person.hear(audio)

    address = f"{url}?{urlencode({'token': token, 'codec': 'pcm'})}"
    async with aiohttp.ClientSession() as client:
        socket = await _patiently_connected(client, address)
        async with socket, asyncio.TaskGroup() as tasks:
            await _send(socket, INVITE)
            speaking = tasks.create_task(_speak(socket, person, tape))
            await converse(socket, agent, notice, heard)
            speaking.cancel()


async def converse(
    socket: aiohttp.ClientWebSocketResponse, agent: Agent, told: Told, heard: Heard
) -> None:
    """Until the worker closes the socket: each event to ``told`` and to the agent, the
    agent's commands to the worker, and what audio comes to ``heard``."""
    async for message in socket:
        if message.type is aiohttp.WSMsgType.BINARY:
            heard(message.data)
        elif message.type is aiohttp.WSMsgType.TEXT:
            event = json.loads(message.data)
            told(event)
            for command in agent.hear(event):
                await _send(socket, command)


async def connected(
    client: aiohttp.ClientSession, address: str
) -> aiohttp.ClientWebSocketResponse:
    """A session's socket; raises `NoCall`."""
    url = address.partition("?")[0]
    try:
        return await client.ws_connect(
            address,
            max_msg_size=MESSAGE_BYTES,
            heartbeat=SILENT_SECONDS,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
        )
    except aiohttp.WSServerHandshakeError as error:
        raise NoCall(f"{url} refuses with {error.status}.", error.status) from None
    except aiohttp.ClientError:
        raise NoCall(f"Nobody answers at {url}: is `make run` up?") from None


async def _patiently_connected(
    client: aiohttp.ClientSession, address: str
) -> aiohttp.ClientWebSocketResponse:
    """A worker that is busy may be less so soon."""
    for _ in range(ATTEMPTS - 1):
        try:
            return await connected(client, address)
        except NoCall as refusal:
            if refusal.status != BUSY:
                raise
        await asyncio.sleep(BUSY_SECONDS)
    return await connected(client, address)


async def _speak(
    socket: aiohttp.ClientWebSocketResponse, person: Person, tape: Tape
) -> None:
    async for frame in person.frames():
        tape.person(frame)
        await socket.send_bytes(frame)


async def _send(socket: aiohttp.ClientWebSocketResponse, command: Command) -> None:
    await socket.send_str(json.dumps(command))
