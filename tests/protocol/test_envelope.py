"""Two releases side by side: what one writes, the other reads."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from chalicelib.protocol import envelope
from chalicelib.protocol.control import Doorbell, Redelivery, WorkerHealth
from chalicelib.protocol.envelope import UnknownVersion, stamped, upcast, version_of
from chalicelib.protocol.fleet import Facts, Heartbeat, Workers
from chalicelib.protocol.lease import (
    Drain,
    Lease,
    MalformedMessage,
    Neighbour,
    Sight,
    Witness,
    parse_message,
)
from chalicelib.protocol.relay import Gone, parse_relayed
from tests.adapters.fleet_contract import lease, order, started
from tests.builders import NOW_MS
from tests.protocol.releases import come_to_version_2, recorded

READERS: Mapping[str, Callable[[Any], Any]] = {
    "lease": Lease.parse,
    "heartbeat": Heartbeat.parse,
    "facts": Facts.parse,
    "witness": Witness.parse,
    "health": WorkerHealth.parse,
    "relay_open": parse_relayed,
    "relay_frame": parse_relayed,
    "relay_gone": parse_relayed,
    "doorbell": Doorbell.parse,
    "redelivery": Redelivery.parse,
}
DRAIN = Drain("w1", 1, NOW_MS)
HEARTBEAT = Heartbeat((lease("w2"),), (order(), DRAIN), (lease().neighbour,))


def with_more(value: Any) -> Any:
    """As a later release would write it: with keys that we do not know."""
    if isinstance(value, dict):
        more = {key: with_more(one) for key, one in value.items()}
        return {**more, "of_tomorrow": {"v": 9}}
    return [with_more(one) for one in value] if isinstance(value, list) else value


def test_read_every_message_that_was_recorded() -> None:
    messages = recorded()
    assert messages.keys() == READERS.keys()
    for name, message in messages.items():
        assert READERS[name](message).render().items() >= (
            message.items() if name != "heartbeat" else {"v": 1}.items()
        )


@pytest.mark.parametrize(
    "name", [n for n in READERS if n not in ("doorbell", "relay_open")]
)
def test_overlook_what_a_later_release_has_added(name: str) -> None:
    message = recorded()[name]
    assert READERS[name](with_more(message)) == READERS[name](message)


def test_take_what_an_earlier_release_did_not_tell_for_its_default() -> None:
    old = Lease.parse(recorded()["lease"])
    assert (old.sip_address, old.release, old.protocol_version) == (None, None, 1)
    assert Heartbeat.parse(recorded()["heartbeat"]).workers == ()


@pytest.mark.parametrize(
    ("message", "parse"),
    [
        (lease(), Lease.parse),
        (lease().neighbour, Neighbour.parse),
        (Witness("w1", 1, Sight.UNREACHABLE, NOW_MS, "w2"), Witness.parse),
        (order(), parse_message),
        (DRAIN, parse_message),
        (started(), parse_message),
        (Gone("c1", True), parse_relayed),
        (HEARTBEAT, Heartbeat.parse),
    ],
)
def test_write_for_an_old_reader_and_read_what_it_writes(
    monkeypatch: pytest.MonkeyPatch, message: Any, parse: Callable[[Any], Any]
) -> None:
    old = message.render()
    come_to_version_2(monkeypatch)
    new = message.render()
    told = message.render(1)
    assert (new["v"], told["v"]) == (2, 1)
    assert told != old
    assert told.keys() != new.keys()
    assert parse(new) == parse(told) == message
    assert message.render(0) == told
    assert message.render(2) == message.render(99) == new


def test_read_what_was_stored_before_and_what_comes_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts, workers = Facts((started(),)), Workers((lease(),))
    come_to_version_2(monkeypatch)
    fact = started().render(1)
    assert Facts.parse({"v": 1, "told": [fact]}) == facts
    assert Facts.parse(facts.render()) == facts
    assert Workers.parse({"v": 1, "workers": [lease().render(1)]}) == workers
    bell = {**recorded()["doorbell"]}
    bell["number"] = bell.pop("seq")
    assert Doorbell.parse(bell).seq == 3
    again = {**recorded()["redelivery"]}
    again["number"] = again.pop("seq")
    assert Redelivery.parse(again).seq == 3


def test_refuse_versions_that_are_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    come_to_version_2(monkeypatch)
    monkeypatch.setattr(envelope, "CURRENT", 3)
    monkeypatch.setattr(envelope, "OLDEST_READ", 2)
    for v in (1, 4, None, "2", True, 2.0):
        with pytest.raises(UnknownVersion):
            version_of({"v": v})
        with pytest.raises(UnknownVersion):
            upcast("lease", {**lease().render(), "v": v})
    assert not lease().takes_sessions(NOW_MS)
    assert lease(protocol_version=2).takes_sessions(NOW_MS)
    assert upcast("lease", {"v": 2, "a": 1}) == {"v": 3, "a": 1}


@pytest.mark.parametrize(
    ("parse", "value"),
    [
        (Lease.parse, {"v": 1}),
        (parse_message, {"v": 1, "type": "session.end"}),
        (Facts.parse, {"v": 1}),
        (Heartbeat.parse, {"v": 1}),
    ],
)
def test_refuse_what_no_release_has_written(
    monkeypatch: pytest.MonkeyPatch, parse: Callable[[Any], Any], value: Any
) -> None:
    come_to_version_2(monkeypatch)
    with pytest.raises(MalformedMessage, match="of an older release"):
        parse(value)


def test_cast_through_every_version_between(monkeypatch: pytest.MonkeyPatch) -> None:
    def counted(value: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**value, "casts": value.get("casts", 0) + 1}

    monkeypatch.setattr(envelope, "CURRENT", 4)
    monkeypatch.setattr(envelope, "UPCASTS", {("a", v): counted for v in (1, 3)})
    monkeypatch.setattr(envelope, "DOWNCASTS", {("a", v): counted for v in (4, 2)})
    assert upcast("a", {"v": 1}) == {"v": 4, "casts": 2}
    assert stamped({}, "a", 1) == {"v": 1, "casts": 2}
    assert stamped({}, "a") == stamped({}, "b", 4) == {"v": 4}
