"""Where the worker goes for those whose URLs it is given: files and SIP webhooks."""

import asyncio
import dataclasses
import typing
from collections.abc import Sequence
from pathlib import Path

import pytest

from chalicelib.protocol.session import commands, options, speech
from chalicelib.protocol.session.fields import Url
from chalicelib.protocol.url_policy import UrlPolicy
from infra.demo_webhooks.hostile import HostileServer, Request, answer
from mediaworker.speech.download import Downloader
from mediaworker.speech.ports import Failure
from mediaworker.telephony.settings import BadPhoneSetting, PhoneSettings
from mediaworker.telephony.webhook import SipWebhook
from tests.peers.hostile_receiver import Authority, answers, keeps, resets
from tests.protocol.hostile_urls import RESOLVED, TARGETS

PUBLIC, DEVELOPMENT = UrlPolicy(), UrlPolicy(allows_loopback=True)
OK = answer("200 OK")

FETCHED = {("Play", "url"), ("Ring", "ringtone")}
"""By the speech process's `Downloader`, both as something that is played."""
CONNECTED = {("MediaPassOption", "url")}
"""By `MediaClient`: see `tests/worker/transports/test_media_pass.py`."""
NEVER_FETCHED = {("ReferOption", "moh")}
"""What is not built goes nowhere: `refer` answers an error."""
OTHERS = {"play_id", "endpoint"}
"""A name, which for `play` is the URL told again; of providers that are not built."""


async def never(host: str, port: int) -> Sequence[str]:
    raise AssertionError("it was looked up")


def hook(url: str, policy: UrlPolicy, *addresses: str) -> SipWebhook:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return SipWebhook([url], "secret", policy, resolve, lambda: 0)


def fields_of(module: object) -> set[tuple[str, str]]:
    found = set()
    for kind in vars(module).values():
        if isinstance(kind, type) and dataclasses.is_dataclass(kind):
            hints = typing.get_type_hints(kind, include_extras=True)
            found |= {
                (kind.__name__, name)
                for name, hint in hints.items()
                if hint == Url or Url in typing.get_args(hint)
            }
    return found


def test_every_url_of_a_command_is_known_here() -> None:
    """A new one comes with its guard, or goes nowhere."""
    found = fields_of(commands) | fields_of(options)
    others = {(kind, name) for kind, name in found if name not in OTHERS}
    assert others == FETCHED | CONNECTED | NEVER_FETCHED
    assert {name for _, name in fields_of(speech)} == {"endpoint"}


def test_play_nothing_from_a_hostile_url() -> None:
    async def fetch(url: str) -> int:
        try:
            async with Downloader(PUBLIC, resolve=never).file(url):
                raise AssertionError("it was fetched")
        except Failure as failure:
            return failure.code

    async def fetch_all() -> set[int]:
        return {await fetch(url) for url in TARGETS}

    assert asyncio.run(fetch_all()) == {403}


@pytest.mark.parametrize(("url", "addresses"), RESOLVED)
def test_play_nothing_from_a_name_that_leads_inside(
    url: str, addresses: tuple[str, ...]
) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    async def fetch() -> None:
        async with Downloader(PUBLIC, resolve=resolve).file(url):
            raise AssertionError("it was fetched")

    with pytest.raises(Failure) as failure:
        asyncio.run(fetch())
    assert failure.value.code == 403


def test_tell_of_no_call_at_a_hostile_url() -> None:
    webhook = SipWebhook(TARGETS, None, PUBLIC, never, lambda: 0)
    assert asyncio.run(webhook.tell("id", {})) is False
    assert webhook.failed == len(TARGETS)


@pytest.mark.parametrize(("url", "addresses"), RESOLVED)
def test_tell_of_no_call_at_a_name_that_leads_inside(
    url: str, addresses: tuple[str, ...]
) -> None:
    webhook = hook(url, PUBLIC, *addresses)
    assert asyncio.run(webhook.tell("id", {})) is False


def test_take_no_hostile_url_from_the_environment() -> None:
    """But for spaces around it, which a variable may have."""
    hostile = [url for url in TARGETS if url.strip() and not _is_good(url.strip())]
    assert len(hostile) > len(TARGETS) - 10
    for url in hostile:
        given = {"SIP_WEBHOOK_URL": url, "SIP_WEBHOOK_SECRET": "secret"}
        with pytest.raises(BadPhoneSetting):
            PhoneSettings.parse(given, is_development=False)


def _is_good(url: str) -> bool:
    try:
        PUBLIC.target(url)
    except ValueError:
        return False
    return True


def test_tell_the_next_address_where_one_refuses() -> None:
    requests: list[Request] = []
    with HostileServer(keeps(requests)) as server:
        url = f"http://shop.example:{server.port}/hook?a=b"
        webhook = hook(url, DEVELOPMENT, "127.0.0.9", "::1", "127.0.0.1")
        assert asyncio.run(webhook.tell("id", {"event": "invite"})) is True
    (request,) = requests
    assert request.path == "/hook?a=b"
    assert request.headers["host"] == f"shop.example:{server.port}"
    assert request.headers["user-agent"] == "Parley-Webhooks/1"


def test_tell_nobody_twice() -> None:
    with HostileServer(resets) as server:
        url = f"http://shop.example:{server.port}/"
        webhook = hook(url, DEVELOPMENT, "127.0.0.1", "127.0.0.1")
        assert asyncio.run(webhook.tell("id", {})) is False
        assert server.connections == 1


def test_follow_no_redirect_and_use_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with HostileServer(answers(OK)) as trap:
        there = f"http://127.0.0.1:{trap.port}/"
        monkeypatch.setenv("http_proxy", there)
        redirect = answer("307 Temporary", f"Location: {there}")
        with HostileServer(answers(redirect)) as server:
            url = f"http://shop.example:{server.port}/"
            webhook = hook(url, DEVELOPMENT, "127.0.0.1")
            assert asyncio.run(webhook.tell("id", {})) is False
        assert trap.connections == 0


def test_believe_the_name_and_not_the_address(tmp_path: Path) -> None:
    """aiohttp asks for the name, and nobody believes a stranger's certificate."""
    names: list[str | None] = []
    tls = Authority.make(tmp_path).server("shop.example", told=names.append)
    with HostileServer(answers(OK), tls) as server:
        url = f"https://shop.example:{server.port}/"
        webhook = hook(url, DEVELOPMENT, "127.0.0.1", "127.0.0.2")
        assert asyncio.run(webhook.tell("id", {})) is False
    assert names == ["shop.example"]
