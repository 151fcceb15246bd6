"""Who carries pushes to phones: SNS, or a webhook of the operator's own."""

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.protocol import mobile_push
from chalicelib.protocol.mobile_push import Platform, Push, PushToken
from chalicelib.push_settings import sns_name
from chalicelib.services.devices.push_tokens import Sent, TokenRefused
from chalicelib.services.ports import Clock, Poster
from chalicelib.services.retries import Unavailable
from chalicelib.services.webhooks.bodies import standard_signature

log = logging.getLogger(__name__)

GONE_CODES = frozenset(
    {"EndpointDisabled", "EndpointDisabledException", "NotFound", "NotFoundException"}
)
"""As SNS says them by either of its protocols, as are the next."""
REFUSED_CODES = frozenset({"InvalidParameter", "InvalidParameterException"})
ENDPOINT_ARN = re.compile(r"arn:aws[a-z-]*:sns:[^\s:]+:\d+:endpoint/\S+")
APNS_ATTRIBUTES = {
    "apns-push-type": "AWS.SNS.MOBILE.APNS.PUSH_TYPE",
    "apns-topic": "AWS.SNS.MOBILE.APNS.TOPIC",
    "apns-priority": "AWS.SNS.MOBILE.APNS.PRIORITY",
    "apns-collapse-id": "AWS.SNS.MOBILE.APNS.COLLAPSE_ID",
}
GONE = 410
TIMEOUT_SECONDS = 3.0


class Carrier(Protocol):
    """Takes pushes to some tokens, or to all."""

    name: str

    def carries(self, token: PushToken) -> bool: ...

    def enlist(self, token: PushToken) -> PushToken:
        """Of those that it carries; see `PushSender`."""

    def delist(self, token: PushToken) -> None:
        """Have it forgotten. Raises `Unavailable`."""

    def send(self, token: PushToken, push: Push, push_id: str) -> Sent: ...


class Carriers:
    """A `PushSender`: the first that carries a token has it."""

    def __init__(self, carriers: Sequence[Carrier]) -> None:
        self._carriers = carriers

    @property
    def is_set_up(self) -> bool:
        return bool(self._carriers)

    def carrier(self, token: PushToken) -> str:
        found = self._of(token)
        return found.name if found else ""

    def enlist(self, token: PushToken) -> PushToken:
        found = self._of(token)
        return found.enlist(token) if found else token

    def delist(self, token: PushToken) -> None:
        """See `chalicelib.services.erasure.Phones`."""
        if found := self._of(token):
            found.delist(token)

    def send(self, token: PushToken, push: Push, push_id: str) -> Sent:
        found = self._of(token)
        return found.send(token, push, push_id) if found else Sent.FAILED

    def _of(self, token: PushToken) -> Carrier | None:
        return next((one for one in self._carriers if one.carries(token)), None)


class SnsCarrier:
    """Amazon SNS, which has the credentials in its platform applications."""

    name = "sns"

    def __init__(
        self, client: Callable[[], Any], apps: Mapping[tuple[str, str], str]
    ) -> None:
        """``apps`` is (app, SNS's platform) -> ARN; ``client`` is called when it is
        first needed, and each time after."""
        self._client = client
        self._apps = apps

    def carries(self, token: PushToken) -> bool:
        return (token.app, _sns_name(token)) in self._apps

    def enlist(self, token: PushToken) -> PushToken:
        arn = self._apps[token.app, _sns_name(token)]
        try:
            endpoint = self._created(arn, token)
            self._client().set_endpoint_attributes(
                EndpointArn=endpoint,
                Attributes={"Enabled": "true", "Token": token.token},
            )
        except ClientError as error:
            if _code(error) in REFUSED_CODES:
                raise TokenRefused("the push service refuses the token") from None
            log.warning("no endpoint at SNS", extra={"error": _code(error)})
            raise Unavailable(_code(error)) from error
        except BotoCoreError as error:
            raise Unavailable(type(error).__name__) from error
        return replace(token, endpoint=endpoint)

    def delist(self, token: PushToken) -> None:
        """Done as well if SNS knows no such endpoint, or its app is gone."""
        if not token.endpoint:
            return
        try:
            self._client().delete_endpoint(EndpointArn=token.endpoint)
        except ClientError as error:
            if _code(error) in GONE_CODES | REFUSED_CODES:
                return
            raise Unavailable(_code(error)) from error
        except BotoCoreError as error:
            raise Unavailable(type(error).__name__) from error

    def _created(self, app: str, token: PushToken) -> str:
        """The same for the same token; also of one that somebody else has made."""
        try:
            answer = self._client().create_platform_endpoint(
                PlatformApplicationArn=app, Token=token.token
            )
        except ClientError as error:
            known = ENDPOINT_ARN.search(str(error))
            if "already exists" not in str(error) or known is None:
                raise
            return known[0]
        endpoint: str = answer["EndpointArn"]
        return endpoint

    def send(self, token: PushToken, push: Push, push_id: str) -> Sent:
        """A token that was registered before its app was known here waits until the
        app registers it again, as apps do at each start."""
        if not token.endpoint:
            return Sent.FAILED
        try:
            self._client().publish(
                TargetArn=token.endpoint,
                MessageStructure="json",
                Message=sns_message(token, push),
                MessageAttributes=sns_attributes(token, push),
            )
        except ClientError as error:
            return self._failed(token, error)
        except BotoCoreError as error:
            log.warning("push not taken", extra={"error": type(error).__name__})
            return Sent.FAILED
        return Sent.TAKEN

    def _failed(self, token: PushToken, error: ClientError) -> Sent:
        code = _code(error)
        is_missing = code in REFUSED_CODES and "No endpoint found" in str(error)
        if code not in GONE_CODES and not is_missing:
            log.warning("push not taken", extra={"error": code})
            return Sent.FAILED
        try:
            self._client().delete_endpoint(EndpointArn=token.endpoint)
        except (ClientError, BotoCoreError) as left:
            log.warning("endpoint left", extra={"error": type(left).__name__})
        return Sent.GONE


def sns_message(token: PushToken, push: Push) -> str:
    """What ``Publish`` has for ``MessageStructure`` json: a text for each platform."""
    payload: Mapping[str, Any] = push.payload
    if token.platform is Platform.FCM:
        # SNS knows to whom, and refuses to be told.
        message = {**push.payload["message"]}
        del message["token"]
        payload = {"fcmV1Message": {"message": message}}
    texts = {"default": "", _sns_name(token): mobile_push.dump(payload)}
    return json.dumps(texts, ensure_ascii=False)


def sns_attributes(token: PushToken, push: Push) -> dict[str, dict[str, str]]:
    """SNS turns them into the headers of its own request."""
    values = {f"AWS.SNS.MOBILE.{_sns_name(token)}.TTL": str(push.ttl_seconds)}
    for header, name in APNS_ATTRIBUTES.items():
        if header in push.headers:
            values[name] = push.headers[header]
    return {
        name: {"DataType": "String", "StringValue": value}
        for name, value in values.items()
    }


def _sns_name(token: PushToken) -> str:
    return sns_name(token.platform, token.environment)


def _code(error: ClientError) -> str:
    code: str = error.response["Error"]["Code"]
    return code


class WebhookCarrier:
    """An operator's own server, which has the credentials itself."""

    name = "webhook"

    def __init__(self, poster: Poster, url: str, secret: str, clock: Clock) -> None:
        self._poster = poster
        self._url = url
        self._secret = secret
        self._clock = clock

    def carries(self, token: PushToken) -> bool:
        return True

    def enlist(self, token: PushToken) -> PushToken:
        return token

    def delist(self, token: PushToken) -> None:
        """It keeps nothing of ours: each push brings its token along."""

    def send(self, token: PushToken, push: Push, push_id: str) -> Sent:
        body = mobile_push.dump(webhook_body(token, push)).encode()
        at_s = self._clock.now_ms() // 1000
        headers = {
            "Content-Type": "application/json",
            "webhook-id": push_id,
            "webhook-timestamp": str(at_s),
            "webhook-signature": standard_signature(self._secret, push_id, at_s, body),
        }
        answer = self._poster.post(self._url, headers, body, TIMEOUT_SECONDS)
        if answer.status == GONE:
            return Sent.GONE
        if answer.status is not None and 200 <= answer.status < 300:
            return Sent.TAKEN
        log.warning(
            "push not taken", extra={"status": answer.status, "error": answer.error}
        )
        return Sent.FAILED


def webhook_body(token: PushToken, push: Push) -> dict[str, Any]:
    """What an operator's server passes on, to APNs or to FCM, as it stands."""
    return {
        "platform": token.platform.value,
        "environment": token.environment.value,
        "app": token.app,
        "token": token.token,
        "headers": dict(push.headers),
        "payload": dict(push.payload),
    }
