"""Sockets that are lost and come back."""

import asyncio

import aiohttp

from conformance.bench import Bench
from conformance.case import Cases, Level
from conformance.cases.connecting import say_tone
from conformance.client import NotOk, check

CASES = Cases("returning")
case = CASES.case


@case("query.id", level=Level.EXTRAS)
async def lost_socket_comes_back(bench: Bench) -> None:
    """A socket that is cut may be opened again by its id: the call goes on."""
    async with bench.call(id="conformance-of-return") as call:
        call.cut()
        await asyncio.sleep(0.3)
        async with bench.socket(id="conformance-of-return", codec="pcm") as again:
            await say_tone(again, "again", 0.2)
            await again.expect("trackEnd", playId="again")
            check(not again.events("hangup"), "the call was hung up")


@case("query.id", level=Level.EXTRAS)
async def id_in_use_is_refused(bench: Bench) -> None:
    """A second socket for a session whose socket is alive is refused by 409."""
    async with bench.call(id="conformance-of-twice"):
        url = bench.address("/call", id="conformance-of-twice")
        try:
            async with bench.http.ws_connect(url):
                raise NotOk("it was taken")
        except aiohttp.WSServerHandshakeError as error:
            check(error.status == 409, f"by {error.status}")
