"""Every kind of item that there is: how one comes to be, and how it is read."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, is_dataclass, replace
from enum import Enum
from typing import Any

from chalicelib.adapters.dynamodb import bodies, rows
from chalicelib.adapters.dynamodb.announcements import DynamoDBAnnouncer
from chalicelib.adapters.dynamodb.calls import DynamoDBCalls
from chalicelib.adapters.dynamodb.connections import DynamoDBConnections
from chalicelib.adapters.dynamodb.devices import DynamoDBDevices, DynamoDBTickets
from chalicelib.adapters.dynamodb.endpoints import DynamoDBEndpoints
from chalicelib.adapters.dynamodb.failures_log import DynamoDBFailures
from chalicelib.adapters.dynamodb.fleet import DynamoDBFleet
from chalicelib.adapters.dynamodb.health import DynamoDBHealth
from chalicelib.adapters.dynamodb.history import DynamoDBHistory
from chalicelib.adapters.dynamodb.keys import DynamoDBKeys
from chalicelib.adapters.dynamodb.lanes import DynamoDBLanes
from chalicelib.adapters.dynamodb.limits import DynamoDBWindows
from chalicelib.adapters.dynamodb.push_tokens import DynamoDBPushTokens
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.adapters.dynamodb.sessions import DynamoDBSessions
from chalicelib.adapters.dynamodb.tallies import DynamoDBTallies
from chalicelib.adapters.vault_local import LocalVault
from chalicelib.domain.commands import Join
from chalicelib.domain.endpoints import Health
from chalicelib.domain.sessions import hear, key_of
from chalicelib.protocol.lease import Drain, Sight, Witness
from chalicelib.services.history import LATEST_MS
from chalicelib.services.sessions import event_of
from chalicelib.services.webhooks.tallies import Tally
from tests.adapters.delivery_contract import KEY as LANE
from tests.adapters.delivery_contract import REFUSED, TAKEN, UNHEARD
from tests.adapters.device_contract import ADMISSION, PHONE
from tests.adapters.endpoints_contract import HEALTH, MADE
from tests.adapters.fleet_contract import ended, lease, order, started
from tests.adapters.history_contract import ENTRY, TOKEN
from tests.adapters.identity_contract import KEY, WINDOW
from tests.adapters.relay_contract import CONNECTION
from tests.builders import NOW_MS, FakeDraws, commit, create

SECRET = "the-secret-of-the-golden-files-of-all-releases"
TENANT = "default"


@dataclass(frozen=True, slots=True)
class Kind:
    """Written into an empty table, and read from a table that holds the same."""

    write: Callable[[type[Row]], object]
    read: Callable[[type[Row]], object]


def _calls(table: type[Row]) -> DynamoDBCalls:
    return DynamoDBCalls(table, rows.connection_of(table))


def _write_call(table: type[Row]) -> None:
    calls = _calls(table)
    begun = commit(None, create("alice", "bob"))
    calls.commit(begun)
    calls.commit(commit(begun.after, Join("bob", "phone"), command_id="command-2"))
    calls.request(replace(begun.events[0], event_id="effect-1", type="effect.room_end"))


def _read_call(table: type[Row]) -> object:
    calls = _calls(table)
    effect = next(row for row in table.scan() if row.sk.startswith(rows.EFFECT_PREFIX))
    return {
        "call": calls.load(TENANT, "call-1"),
        "locks": [calls.call_id_of(TENANT, uid) for uid in ("alice", "bob")],
        "trace": calls.call_id_of_trace(TENANT, 101),
        "events": calls.outbox(TENANT, "call-1", 1),
        "record": calls.record(TENANT, "command-2"),
        "effect": bodies.parse_event(effect.body or ""),
    }


def _write_fleet(table: type[Row]) -> None:
    fleet = DynamoDBFleet(table)
    fleet.renew(lease(release="1.0.0", sip_address="10.0.0.7:5060"))
    fleet.renew(lease("w2", epoch=2))
    fleet.fence(lease("w2", epoch=2))
    fleet.testify(Witness("w2", 2, Sight.UNREACHABLE, NOW_MS, by="w1"))
    fleet.keep_order("w1", 1, order())
    fleet.keep_order("w1", 1, Drain("w1", 1, NOW_MS), NOW_MS)


def _read_fleet(table: type[Row]) -> object:
    fleet = DynamoDBFleet(table)
    return {"roster": fleet.roster(), "orders": fleet.orders("w1", 1)}


def _sessions(table: type[Row]) -> DynamoDBSessions:
    return DynamoDBSessions(table, rows.connection_of(table))


def _write_sessions(table: type[Row]) -> None:
    DynamoDBFleet(table).renew(lease())
    sessions = _sessions(table)
    for fact in (started(), started("s2")):
        decision = hear(None, fact)
        told = [event_of(one, True) for one in decision.told]
        sessions.store(None, decision.session, told, 1)
    before = sessions.load(key_of(started()))
    decision = hear(before, ended())
    sessions.store(before, decision.session, [event_of(ended(), True)], 1)


def _read_sessions(table: type[Row]) -> object:
    sessions = _sessions(table)
    return {
        "ended": sessions.load(key_of(started())),
        "of_id": sessions.live_of_id(TENANT, "s2"),
        "of_user": sessions.live_of_user(TENANT, "alice"),
        "of_worker": sessions.live_of_worker("w1", 2),
    }


def _endpoints(table: type[Row]) -> DynamoDBEndpoints:
    return DynamoDBEndpoints(table, LocalVault(SECRET, FakeDraws()), {})


def _write_endpoint(table: type[Row]) -> None:
    _endpoints(table).create(TENANT, MADE)
    DynamoDBHealth(table).keep(TENANT, MADE.id, Health(), HEALTH)


def _write_lane(table: type[Row]) -> None:
    lanes = DynamoDBLanes(table)
    held = lanes.lease(LANE, 1, NOW_MS, NOW_MS + 1000, "mine")
    assert held is not None
    lanes.settle(held, 3, (TAKEN, REFUSED, UNHEARD))


def _read_lane(table: type[Row]) -> object:
    lanes = DynamoDBLanes(table)
    return {
        "progress": lanes.progress(LANE),
        "attempts": lanes.attempts_of(TENANT, "call-1"),
    }


KINDS: Mapping[str, Kind] = {
    "call": Kind(_write_call, _read_call),
    "fleet": Kind(_write_fleet, _read_fleet),
    "sessions": Kind(_write_sessions, _read_sessions),
    "relayed": Kind(
        lambda table: DynamoDBConnections(table).keep(CONNECTION),
        lambda table: DynamoDBConnections(table).find(CONNECTION.connection_id),
    ),
    "device": Kind(
        lambda table: DynamoDBDevices(table, rows.connection_of(table)).connect(PHONE),
        lambda table: DynamoDBDevices(table, rows.connection_of(table)).find(
            PHONE.connection_id
        ),
    ),
    "ticket": Kind(
        lambda table: DynamoDBTickets(table).keep("digest", ADMISSION),
        lambda table: DynamoDBTickets(table).spend("digest"),
    ),
    "push_token": Kind(
        lambda table: DynamoDBPushTokens(table).keep(TOKEN),
        lambda table: DynamoDBPushTokens(table).of_user(TENANT, "bob"),
    ),
    "endpoint": Kind(
        _write_endpoint, lambda table: _endpoints(table).find(TENANT, MADE.id)
    ),
    "failure": Kind(
        lambda table: DynamoDBFailures(table).add(
            TENANT, "ep_1", "call-1", (REFUSED, UNHEARD), True
        ),
        lambda table: DynamoDBFailures(table).page(TENANT, "ep_1", "", 9),
    ),
    "lane": Kind(_write_lane, _read_lane),
    "announcement": Kind(
        lambda table: DynamoDBAnnouncer(table).announce(
            TENANT, "webhook.exhausted", {"endpoint_id": "ep_1"}, NOW_MS
        ),
        lambda table: [
            bodies.parse_event(row.body)
            for row in table.scan()
            if row.body and row.sk.startswith(rows.EVENT_PREFIX)
        ],
    ),
    "tally": Kind(
        lambda table: DynamoDBTallies(table).add(
            TENANT, NOW_MS, Tally(3, 2, 1, {"room.started": 1})
        ),
        lambda table: DynamoDBTallies(table).total(TENANT),
    ),
    "key": Kind(
        lambda table: DynamoDBKeys(table).add(KEY),
        lambda table: DynamoDBKeys(table).find(TENANT, KEY.id),
    ),
    "limit": Kind(
        lambda table: DynamoDBWindows(table).take(TENANT, "alice", WINDOW, 5, 20),
        lambda table: DynamoDBWindows(table).take(TENANT, "alice", WINDOW, 5, 20),
    ),
    "history": Kind(
        lambda table: DynamoDBHistory(table).keep(ENTRY),
        lambda table: DynamoDBHistory(table).of_user(TENANT, "bob", 0, 9, LATEST_MS),
    ),
}


def plain(value: object) -> Any:
    """As JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    return value
