"""Carriers keep one contract: SNS on moto, an operator's webhook, and what is said."""

import base64
import hashlib
import hmac
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto.moto_api._internal.models import moto_api_backend

from chalicelib.adapters.mobile_push import (
    Carrier,
    Carriers,
    SnsCarrier,
    WebhookCarrier,
    sns_attributes,
    sns_message,
)
from chalicelib.protocol.mobile_push import (
    Environment,
    Platform,
    Push,
    PushToken,
    Ring,
    push_id,
    ring_push,
)
from chalicelib.protocol.vocabulary import MediaType
from chalicelib.services.devices.push_tokens import Sent, TokenRefused
from chalicelib.services.ports import Answer
from chalicelib.services.retries import Unavailable
from tests.builders import NOW_MS, RING_MS, FakeClock

REGION = "eu-central-1"
ACCOUNT = "123456789012"
APP = "com.example.app"
SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four b").decode()
TOKEN = PushToken("default", "bob", "phone", Platform.APNS_VOIP, "ab" * 32, APP)
FCM = replace(TOKEN, platform=Platform.FCM, token="fcm:token")
RING = Ring("call-1", 1, "alice", MediaType.AUDIO, NOW_MS + RING_MS)


def pushed(token: PushToken) -> tuple[Push, str]:
    return ring_push(token, RING, NOW_MS), push_id(token, RING.call_id, RING.seq)


@dataclass
class FakePoster:
    """A `Poster` whose other side answers what it is told to."""

    answer: Answer = field(default_factory=lambda: Answer(204))
    posts: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> Answer:
        self.posts.append((url, headers, body))
        return self.answer


class CarrierContract(ABC):
    """Subclasses give a fixture ``carrier``, and ``lose`` a token at its other side."""

    @abstractmethod
    def lose(self, token: PushToken) -> None: ...

    @pytest.mark.parametrize("token", [TOKEN, FCM])
    def test_push_is_taken(self, carrier: Carrier, token: PushToken) -> None:
        assert carrier.carries(token)
        enlisted = carrier.enlist(token)
        assert replace(enlisted, endpoint="") == token
        assert carrier.send(enlisted, *pushed(token)) is Sent.TAKEN

    def test_token_is_enlisted_again_as_it_was(self, carrier: Carrier) -> None:
        assert carrier.enlist(TOKEN) == carrier.enlist(TOKEN)

    def test_token_is_delisted_however_often(self, carrier: Carrier) -> None:
        enlisted = carrier.enlist(TOKEN)
        for _ in range(2):
            carrier.delist(enlisted)
        carrier.delist(TOKEN)

    def test_token_of_nobody_is_told(self, carrier: Carrier) -> None:
        enlisted = carrier.enlist(TOKEN)
        self.lose(enlisted)
        assert carrier.send(enlisted, *pushed(TOKEN)) is Sent.GONE


class TestWebhookCarrier(CarrierContract):
    poster: FakePoster

    @pytest.fixture
    def carrier(self) -> WebhookCarrier:
        self.poster = FakePoster()
        clock = FakeClock()
        return WebhookCarrier(self.poster, "https://push.example/in", SECRET, clock)

    def lose(self, token: PushToken) -> None:
        self.poster.answer = Answer(410)

    def test_body_is_what_apns_is_to_be_told(self, carrier: WebhookCarrier) -> None:
        push, push_id = pushed(TOKEN)
        carrier.send(TOKEN, push, push_id)
        ((url, _, body),) = self.poster.posts
        assert url == "https://push.example/in"
        assert json.loads(body) == {
            "platform": "apns_voip",
            "environment": "production",
            "app": APP,
            "token": TOKEN.token,
            "headers": push.headers,
            "payload": push.payload,
        }

    def test_post_is_signed(self, carrier: WebhookCarrier) -> None:
        push, push_id = pushed(FCM)
        carrier.send(FCM, push, push_id)
        ((_, headers, body),) = self.poster.posts
        assert headers["webhook-id"] == push_id
        assert headers["webhook-timestamp"] == str(NOW_MS // 1000)
        signed = f"{push_id}.{NOW_MS // 1000}.".encode() + body
        key = base64.b64decode(SECRET.removeprefix("whsec_"))
        digest = hmac.new(key, signed, hashlib.sha256).digest()
        expected = "v1," + base64.b64encode(digest).decode()
        assert headers["webhook-signature"] == expected

    @pytest.mark.parametrize("answer", [Answer(500), Answer(302), Answer(None, "no")])
    def test_push_that_is_not_taken_has_failed(
        self, carrier: WebhookCarrier, answer: Answer
    ) -> None:
        self.poster.answer = answer
        assert carrier.send(TOKEN, *pushed(TOKEN)) is Sent.FAILED


class TestSnsCarrier(CarrierContract):
    client: Any

    @pytest.fixture
    def carrier(self, moto_aws: None) -> SnsCarrier:
        moto_api_backend.reset()
        self.client = boto3.client("sns", region_name=REGION)
        apps = {
            (APP, name): self.client.create_platform_application(
                Name="app", Platform=name, Attributes={}
            )["PlatformApplicationArn"]
            for name in ("APNS_VOIP", "GCM")
        }
        return SnsCarrier(lambda: self.client, apps)

    def lose(self, token: PushToken) -> None:
        self.client.set_endpoint_attributes(
            EndpointArn=token.endpoint, Attributes={"Enabled": "false"}
        )

    def test_endpoint_belongs_to_the_token(self, carrier: SnsCarrier) -> None:
        enlisted = carrier.enlist(TOKEN)
        about = self.client.get_endpoint_attributes(EndpointArn=enlisted.endpoint)
        assert about["Attributes"]["Token"] == TOKEN.token
        assert about["Attributes"]["Enabled"] == "true"

    def test_disabled_endpoint_is_removed(self, carrier: SnsCarrier) -> None:
        enlisted = carrier.enlist(TOKEN)
        self.lose(enlisted)
        carrier.send(enlisted, *pushed(TOKEN))
        with pytest.raises(ClientError, match="NotFound"):
            self.client.get_endpoint_attributes(EndpointArn=enlisted.endpoint)

    def test_endpoint_that_is_gone_is_told(self, carrier: SnsCarrier) -> None:
        enlisted = carrier.enlist(TOKEN)
        self.client.delete_endpoint(EndpointArn=enlisted.endpoint)
        assert carrier.send(enlisted, *pushed(TOKEN)) is Sent.GONE

    def test_app_that_is_not_set_up_is_not_carried(self, carrier: SnsCarrier) -> None:
        assert not carrier.carries(replace(TOKEN, app="com.example.other"))
        assert not carrier.carries(replace(TOKEN, environment=Environment.SANDBOX))
        assert not carrier.carries(replace(TOKEN, platform=Platform.APNS))

    def test_token_without_an_endpoint_waits_for_its_app(
        self, carrier: SnsCarrier
    ) -> None:
        assert carrier.send(TOKEN, *pushed(TOKEN)) is Sent.FAILED


def test_sns_is_told_what_apns_is_to_hear() -> None:
    push, _ = pushed(TOKEN)
    told = json.loads(sns_message(TOKEN, push))
    assert set(told) == {"default", "APNS_VOIP"}
    assert json.loads(told["APNS_VOIP"]) == push.payload
    assert sns_attributes(TOKEN, push) == {
        f"AWS.SNS.MOBILE.{name}": {"DataType": "String", "StringValue": value}
        for name, value in {
            "APNS_VOIP.TTL": "30",
            "APNS.PUSH_TYPE": "voip",
            "APNS.TOPIC": f"{APP}.voip",
            "APNS.PRIORITY": "10",
            "APNS.COLLAPSE_ID": push.headers["apns-collapse-id"],
        }.items()
    }


def test_sns_is_told_what_fcm_is_to_hear_but_not_to_whom() -> None:
    push, _ = pushed(FCM)
    told = json.loads(sns_message(FCM, push))
    message = json.loads(told["GCM"])["fcmV1Message"]["message"]
    assert set(message) == {"data", "android"}
    assert message["data"] == push.payload["message"]["data"]
    assert list(sns_attributes(FCM, push)) == ["AWS.SNS.MOBILE.GCM.TTL"]
    assert push.payload["message"]["token"] == FCM.token, "the push is as it was"


def test_sandbox_has_a_name_of_its_own() -> None:
    token = replace(TOKEN, environment=Environment.SANDBOX)
    push, _ = pushed(token)
    assert "APNS_VOIP_SANDBOX" in json.loads(sns_message(token, push))
    assert "AWS.SNS.MOBILE.APNS_VOIP_SANDBOX.TTL" in sns_attributes(token, push)


class FailingSns:
    """A client of SNS all of whose requests fail alike, unless it is said otherwise."""

    def __init__(self, error: Exception, **answers: Any) -> None:
        self._error = error
        self._answers = answers
        self.asked: list[str] = []

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def ask(**what: Any) -> Any:
            self.asked.append(operation)
            if operation not in self._answers:
                raise self._error
            return self._answers[operation]

        return ask


def failure(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Any")


def sns(client: FailingSns) -> SnsCarrier:
    return SnsCarrier(lambda: client, {(APP, "APNS_VOIP"): "arn"})


LOST = EndpointConnectionError(endpoint_url="https://sns")
KNOWN = f"arn:aws:sns:{REGION}:{ACCOUNT}:endpoint/APNS_VOIP/app/1f"


def test_token_that_sns_refuses_is_refused() -> None:
    with pytest.raises(TokenRefused):
        sns(FailingSns(failure("InvalidParameter", "bad Token"))).enlist(TOKEN)


@pytest.mark.parametrize("error", [failure("Throttling"), LOST])
def test_sns_out_of_reach_is_told_when_a_token_is_enlisted(error: Exception) -> None:
    with pytest.raises(Unavailable):
        sns(FailingSns(error)).enlist(TOKEN)


@pytest.mark.parametrize("error", [failure("Throttling"), LOST])
def test_sns_out_of_reach_is_told_when_a_token_is_delisted(error: Exception) -> None:
    with pytest.raises(Unavailable):
        sns(FailingSns(error)).delist(replace(TOKEN, endpoint=KNOWN))


@pytest.mark.parametrize("code", ["NotFound", "InvalidParameter"])
def test_endpoint_that_sns_knows_nothing_of_needs_no_delisting(code: str) -> None:
    sns(FailingSns(failure(code))).delist(replace(TOKEN, endpoint=KNOWN))


def test_carrier_of_a_token_delists_it_and_nobody_what_nobody_carries() -> None:
    client = FailingSns(LOST, delete_endpoint={})
    Carriers([sns(client)]).delist(replace(TOKEN, endpoint=KNOWN))
    Carriers([]).delist(TOKEN)
    assert client.asked == ["delete_endpoint"]


def test_endpoint_that_another_has_made_is_used() -> None:
    told = (
        f"Invalid parameter: Token Reason: Endpoint {KNOWN} already exists with the "
        "same Token, but different attributes."
    )
    client = FailingSns(failure("InvalidParameter", told), set_endpoint_attributes={})
    assert sns(client).enlist(TOKEN).endpoint == KNOWN


@pytest.mark.parametrize(
    ("error", "sent"),
    [
        (failure("EndpointDisabled"), Sent.GONE),
        (failure("NotFound"), Sent.GONE),
        (failure("InvalidParameter", "TargetArn: No endpoint found"), Sent.GONE),
        (failure("InvalidParameter", "Message too long"), Sent.FAILED),
        (failure("Throttling"), Sent.FAILED),
        (LOST, Sent.FAILED),
    ],
)
def test_publish_tells_what_became_of_a_push(error: Exception, sent: Sent) -> None:
    client = FailingSns(error)
    enlisted = replace(TOKEN, endpoint=KNOWN)
    assert sns(client).send(enlisted, *pushed(TOKEN)) is sent
    assert ("delete_endpoint" in client.asked) is (sent is Sent.GONE)


def test_first_that_carries_a_token_has_it() -> None:
    poster = FakePoster()
    webhook = WebhookCarrier(poster, "https://push.example", SECRET, FakeClock())
    client = FailingSns(LOST, publish={}, set_endpoint_attributes={})
    both = Carriers([sns(client), webhook])
    assert both.is_set_up
    assert (both.carrier(TOKEN), both.carrier(FCM)) == ("sns", "webhook")
    assert both.enlist(FCM) == FCM
    assert both.send(FCM, *pushed(FCM)) is Sent.TAKEN
    assert both.send(replace(TOKEN, endpoint=KNOWN), *pushed(TOKEN)) is Sent.TAKEN
    assert len(poster.posts) == 1


def test_nothing_carries_where_nothing_is_set_up() -> None:
    nobody = Carriers([])
    assert not nobody.is_set_up
    assert nobody.carrier(TOKEN) == ""
    assert nobody.enlist(TOKEN) == TOKEN
    assert nobody.send(TOKEN, *pushed(TOKEN)) is Sent.FAILED
