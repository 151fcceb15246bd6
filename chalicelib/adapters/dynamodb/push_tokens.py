"""Push tokens in DynamoDB: an item each, and one that says whose a token is.

Apps register at each start, so one that has not done so for long is forgotten.
"""

import hashlib
import json
from dataclasses import asdict

from chalicelib.adapters.dynamodb import bodies
from chalicelib.adapters.dynamodb.fleet import failures_typed
from chalicelib.adapters.dynamodb.rows import DAY_SECONDS, Row, written_version
from chalicelib.protocol.envelope import stamped, upcast
from chalicelib.protocol.mobile_push import Environment, Platform, PushToken
from chalicelib.services import ports

KIND = "push_token"
KEPT_SECONDS = 270 * DAY_SECONDS
"""FCM's own time for a token that is not used."""
OWNER = "OWNER"


class DynamoDBPushTokens:
    """A `PushTokenRepository`."""

    def __init__(self, table: type[Row]) -> None:
        self._table = table

    def keep(self, token: PushToken) -> None:
        former = self._owner(token)
        if former is not None and former != _owner_of(token):
            tenant, uid, device, platform = json.loads(former)
            self._delete(_keys(tenant, uid, device, platform), _digest(token))
        ttl = token.registered_at_ms // 1000 + KEPT_SECONDS
        digest, owner = _digest(token), _owner_of(token)
        with failures_typed():
            self._table(
                *_owner_keys(digest), holder=owner, ttl=ttl, v=written_version()
            ).save()
            self._table(
                *_keys(token.tenant, token.uid, token.device, token.platform),
                holder=digest,
                body=_dump(token),
                ttl=ttl,
            ).save()

    def of_user(self, tenant: str, uid: str) -> tuple[PushToken, ...]:
        with failures_typed():
            found = list(
                self._table.query(f"PUSH#{tenant}#{uid}", consistent_read=True)
            )
        tokens = [_parse(row.body) for row in found if row.body]
        return tuple(sorted(tokens, key=lambda one: (one.device, one.platform)))

    def forget(self, token: PushToken) -> None:
        digest = _digest(token)
        keys = _keys(token.tenant, token.uid, token.device, token.platform)
        self._delete(keys, digest)
        self._delete(_owner_keys(digest), _owner_of(token))

    def _owner(self, token: PushToken) -> str | None:
        try:
            with failures_typed():
                row = self._table.get(
                    *_owner_keys(_digest(token)), consistent_read=True
                )
        except self._table.DoesNotExist:
            return None
        return row.holder

    def _delete(self, keys: tuple[str, str], holder: str) -> None:
        """Unless it is somebody else's by now."""
        try:
            with failures_typed():
                self._table(*keys).delete(condition=self._table.holder == holder)
        except ports.Conflict:
            return


def _keys(tenant: str, uid: str, device: str, platform: str) -> tuple[str, str]:
    return f"PUSH#{tenant}#{uid}", f"{device}#{platform}"


def _owner_keys(digest: str) -> tuple[str, str]:
    return f"PUSH#{digest}", OWNER


def _owner_of(token: PushToken) -> str:
    parts = (token.tenant, token.uid, token.device, token.platform.value)
    return json.dumps(parts, ensure_ascii=False)


def _digest(token: PushToken) -> str:
    """Tells a token from any other: those of two apps have nothing to do with each
    other."""
    parts = (token.platform.value, token.environment.value, token.app, token.token)
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _dump(token: PushToken) -> str:
    return json.dumps(
        stamped(asdict(token), KIND), ensure_ascii=False, separators=(",", ":")
    )


def _parse(body: str) -> PushToken:
    value = bodies.known(PushToken, upcast(KIND, json.loads(body)))
    value["platform"] = Platform(value["platform"])
    value["environment"] = Environment(value["environment"])
    return PushToken(**value)
