"""Transcribe's adapter, against a fake of its documents."""

import asyncio
import struct
import zlib
from typing import Any

import pytest
from aiohttp import web
from botocore.eventstream import EventStreamBuffer

from chalicelib.protocol.session.speech import TranscriptionOption
from mediaworker.speech.ports import Failure
from mediaworker.speech.providers import aws, transcribe
from mediaworker.speech.providers.eventstream import BrokenMessage, packed, unpacked
from mediaworker.speech.providers.ports import Net, Phrase, Recognizer
from tests.worker.speech.providers.contract import (
    RATE,
    RecognizerContract,
    endless,
    frames,
    run,
    until,
)
from tests.worker.speech.providers.fakes.aws import (
    KEY_ID,
    REGION,
    FakeTranscribe,
    exception,
    result,
    transcript,
)
from tests.worker.speech.providers.fakes.server import SECRET, FakeProvider, Fault

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": KEY_ID,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_REGION": REGION,
}
KEYS: dict[str, Any] = {"secret_id": KEY_ID, "secret_key": SECRET}


class TestTranscribeListens(RecognizerContract):
    def fake(self, fault: Fault | None = None) -> FakeTranscribe:
        return FakeTranscribe(fault)

    def make(self, net: Net) -> Recognizer:
        return transcribe.make({}, net)

    def option(self, fake: FakeProvider) -> TranscriptionOption:
        extra = {"region": REGION}
        return TranscriptionOption("transcribe", endpoint=fake.ws, extra=extra, **KEYS)


def heard_by(
    fake: FakeTranscribe, environment: dict[str, str] = ENVIRONMENT, **fields: Any
) -> list[Phrase]:
    heard: list[Phrase] = []

    async def talk(net: Net) -> None:
        async with fake:
            option = TranscriptionOption(endpoint=fake.http, **fields)
            adapter = transcribe.make(environment, net)
            async for each in adapter.transcribe(option, RATE, frames()):
                heard.append(each)

    run(talk)
    return heard


def test_listen_with_the_operators_keys() -> None:
    fake = FakeTranscribe()
    heard = heard_by(fake, language="zh-cn", model_type="ours")
    delta, final = heard
    assert delta == Phrase("hello", False, 100, 350, None)
    assert final.confidence is not None and round(final.confidence, 3) == 0.925
    assert final == Phrase("hello world", True, 100, 650, final.confidence)
    assert fake.wrongs == [] and fake.said_end
    assert fake.asked[0]["language-code"] == "zh-CN"
    assert fake.asked[0]["language-model-name"] == "ours"


@pytest.mark.covers("TranscriptionOption.secretId", "TranscriptionOption.extra")
def test_listen_with_keys_that_last_for_a_while() -> None:
    fake = FakeTranscribe(token="a/token+of=theirs")
    extra = {"region": REGION, "sessionToken": fake.token, "vocabulary-name": "names"}
    heard_by(fake, {}, extra=extra, **KEYS)
    assert fake.wrongs == []
    assert fake.asked[0]["vocabulary-name"] == "names"
    assert not {"region", "sessionToken"} & set(fake.asked[0])


class FakeTask(FakeProvider):
    """ECS's endpoint for the credentials of a task's role."""

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/v2/credentials/x", self._tell)]

    async def _tell(self, request: web.Request) -> web.Response:
        self.requests += 1
        told = {
            "AccessKeyId": KEY_ID,
            "SecretAccessKey": SECRET,
            "Token": "of-the-role",
            "Expiration": "2099-01-01T00:00:00Z",
        }
        return web.json_response(told)


def test_listen_as_the_tasks_role() -> None:
    async def talk(net: Net) -> None:
        async with FakeTask() as task, FakeTranscribe(token="of-the-role") as fake:
            where = f"{task.http}/v2/credentials/x"
            environment = {
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": where,
                "AWS_DEFAULT_REGION": REGION,
            }
            adapter = transcribe.make(environment, net)
            option = TranscriptionOption(endpoint=fake.ws)
            for _ in range(2):
                async for _ in adapter.transcribe(option, RATE, frames(1)):
                    pass
            assert fake.wrongs == [] and task.requests == 1

    run(talk)


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"AWS_REGION": REGION}, 401),
        ({"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_REGION": REGION}, 502),
        ({**ENVIRONMENT, "AWS_REGION": "example.com/"}, 400),
        ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/"}, 502),
    ],
)
def test_fail_without_what_a_signature_needs(
    environment: dict[str, str], code: int
) -> None:
    with pytest.raises(Failure) as failed:
        heard_by(FakeTranscribe(), environment)
    assert failed.value.code == code
    assert SECRET not in failed.value.sentence


def test_wait_only_so_long_for_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk() -> None:
        monkeypatch.setattr(aws, "SIGN_SECONDS", 0.01)
        identity = aws.Identity("transcribe", transcribe.SERVICE, {})
        gone = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wait() -> None:
            asyncio.run_coroutine_threadsafe(gone.wait(), loop).result()

        with pytest.raises(Failure) as failed:
            await identity._aside(wait)
        assert failed.value.code == 504
        gone.set()

    asyncio.run(talk())


@pytest.mark.parametrize(
    ("region", "url"),
    [
        ("eu-west-1", "https://transcribestreaming.eu-west-1.amazonaws.com:8443/x"),
        (
            "cn-north-1",
            "https://transcribestreaming.cn-north-1.amazonaws.com.cn:8443/x",
        ),
    ],
)
def test_go_where_the_region_is(region: str, url: str) -> None:
    identity = aws.Identity("transcribe", transcribe.SERVICE, {})
    assert identity._url(TranscriptionOption(), region, "/x") == url


@pytest.mark.parametrize(
    ("language", "extra", "code"),
    [
        (None, {}, "en-US"),
        ("English", {}, "en-US"),
        ("ja", {}, "ja-JP"),
        ("en_gb", {}, "en-GB"),
        ("xx", {}, "xx"),
        ("en", {"identify-language": True}, None),
    ],
)
def test_name_a_language(
    language: str | None, extra: dict[str, Any], code: str | None
) -> None:
    option = TranscriptionOption(language=language, extra=extra)
    assert transcribe.asked(option, 8_000).get("language-code") == code


def test_leave_out_parameters_that_a_signature_has() -> None:
    option = TranscriptionOption(extra={"X-Amz-Expires": 9, "x-amz-date": "", "a": 1})
    assert {"X-Amz-Expires", "x-amz-date"}.isdisjoint(transcribe.asked(option, 8_000))


def test_say_the_end_when_cancelled() -> None:
    async def talk(net: Net) -> None:
        async with FakeTranscribe(Fault.SLOW) as fake:
            option = TranscriptionOption(endpoint=fake.ws)
            adapter = transcribe.make(ENVIRONMENT, net)
            phrases = adapter.transcribe(option, RATE, endless())
            listening = asyncio.ensure_future(anext(phrases))
            await until(lambda: fake.audio)
            listening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await listening
            await until(lambda: fake.said_end)

    run(talk)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("BadRequestException", 400),
        ("LimitExceededException", 429),
        ("ServiceUnavailableException", 503),
        (f"https://{SECRET}", 502),
    ],
)
def test_tell_failures_by_their_names(kind: str, code: int) -> None:
    with pytest.raises(Failure) as failed:
        list(transcribe.phrases(exception(kind)))
    assert failed.value.code == code and SECRET not in failed.value.sentence


def test_take_times_of_a_result_that_has_no_words() -> None:
    told: list[Any] = [result("so", is_partial=False), None, {"IsPartial": True}]
    told[0]["Alternatives"][0]["Items"] = []
    (phrase,) = transcribe.phrases(transcript(told))
    assert phrase == Phrase("so", True, 50, 950)


@pytest.mark.parametrize("message", ["text", b"", transcript([])[:-1]])
def test_refuse_what_is_no_message(message: str | bytes) -> None:
    with pytest.raises(Failure) as failed:
        list(transcribe.phrases(message))
    assert failed.value.code == 502


def test_pack_what_botocore_reads() -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(packed({"a": "\u00e9", ":b": ""}, b"payload"))
    (message,) = list(buffer)
    headers: Any = message.headers
    assert headers == {"a": "\u00e9", ":b": ""} and message.payload == b"payload"
    assert unpacked(packed({"a": "b"}, b"")) == ({"a": "b"}, b"")


def sealed(total: int, head: int, body: bytes) -> bytes:
    """With checksums that are right."""
    prelude = struct.pack(">II", total, head)
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + body
    return whole + struct.pack(">I", zlib.crc32(whole))


@pytest.mark.parametrize(
    "message",
    [
        sealed(0, 0, b""),
        sealed(16, 200, b""),
        sealed(17, 1, b"\x05"),
        sealed(20, 4, b"\x01a\x63\x00"),
        sealed(21, 5, b"\x01\xff\x07\x00\x00"),
        sealed(24, 8, b"\x01a\x07\xff\xffabc"),
        packed({"a": "b"}, b"x")[:-1] + b"\x00",
    ],
)
def test_refuse_a_message_that_is_broken(message: bytes) -> None:
    try:
        unpacked(message)
    except BrokenMessage:
        return
    assert message == sealed(24, 8, b"\x01a\x07\xff\xffabc")
