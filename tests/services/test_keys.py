"""API keys: made, known again, revoked."""

import re
from collections import Counter

import pytest

from chalicelib.adapters.memory_identity import MemoryKeys
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import Role
from chalicelib.services.identity import keys as module
from chalicelib.services.identity.keys import (
    DAY_MS,
    KEPT_MS,
    TEXT,
    TRUSTED_MS,
    ApiKey,
    InvalidKey,
    KeyExists,
    KeyNotFound,
    KeyService,
    TooManyKeys,
    Wanted,
)
from chalicelib.services.ports import Conflict, Throttled
from chalicelib.services.retries import Unavailable
from tests.builders import NOW_MS, FakeClock, FakeDraws

ADMIN = Principal("acme", "root", Role.ADMIN)


class CountedKeys(MemoryKeys):
    """Counts what is asked of it, and fails when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: Counter[str] = Counter()
        self.failure: Exception | None = None

    def _count(self, name: str) -> None:
        self.asked[name] += 1
        if self.failure is not None:
            raise self.failure

    def find(self, tenant: str, key_id: str) -> ApiKey | None:
        self._count("find")
        return super().find(tenant, key_id)

    def of_tenant(self, tenant: str, most: int) -> tuple[ApiKey, ...]:
        self._count("of_tenant")
        return super().of_tenant(tenant, most)


class Place:
    def __init__(self) -> None:
        self.stored = CountedKeys()
        self.clock = FakeClock()
        self.service = self.another()

    def another(self) -> KeyService:
        """Another process."""
        return KeyService(self.stored, self.clock, FakeDraws())


@pytest.fixture
def place() -> Place:
    return Place()


def test_key_acts_for_its_tenant(place: Place) -> None:
    key, text = place.service.create(ADMIN, Wanted("shop"))
    assert text.startswith(f"parley.acme.{key.id}.")
    assert re.fullmatch(r"key_[0-9a-f]{16}", key.id)
    assert place.service.verify(text) == Principal("acme", key.id, Role.SERVER)
    assert (key.name, key.created_by, key.created_at_ms) == ("shop", "root", NOW_MS)


def test_key_may_administer(place: Place) -> None:
    _, text = place.service.create(ADMIN, Wanted("ops", Role.ADMIN))
    assert place.service.verify(text).role is Role.ADMIN


def test_secret_is_kept_by_its_hash_alone(place: Place) -> None:
    key, text = place.service.create(ADMIN, Wanted("shop"))
    secret = text.rpartition(".")[2]
    assert len(secret) == 43
    assert secret not in repr(place.stored.find("acme", key.id))
    assert secret not in key.digest
    assert key.digest not in repr(key)


def changed(text: str, place: int) -> str:
    return text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]


def test_key_that_is_almost_right_is_none(place: Place) -> None:
    _, text = place.service.create(ADMIN, Wanted("shop"))
    tenant, key_id, secret = text.split(".")[1:]
    wrong = [
        *(changed(text, at) for at in range(len(text))),
        text + "A",
        text[:-1],
        text + "\n",
        f" {text}",
        f"parley.other.{key_id}.{secret}",
        f"parley.{tenant}.key_{'0' * 16}.{secret}",
        f"parley.{tenant}.{key_id}.",
        f"parley..{key_id}.{secret}",
        f"parley.{tenant}.{key_id}.{'ж' * 43}",
        "",
        "parley",
        "." * 10_000,
    ]
    for one in wrong:
        with pytest.raises(InvalidKey) as caught:
            place.service.verify(one)
        assert secret not in str(caught.value)


def test_no_key_but_a_whole_one_costs_a_read(place: Place) -> None:
    with pytest.raises(InvalidKey):
        place.service.verify("parley.acme.key_1.secret")
    assert place.stored.asked == {}


def test_read_is_remembered_for_a_while(place: Place) -> None:
    _, text = place.service.create(ADMIN, Wanted("shop"))
    place.stored.asked.clear()
    for _ in range(5):
        place.service.verify(text)
        with pytest.raises(InvalidKey):
            place.service.verify(changed(text, len(text) - 1))
    assert place.stored.asked == {"find": 1}
    place.clock.pass_ms(TRUSTED_MS)
    place.service.verify(text)
    assert place.stored.asked == {"find": 2}


def test_key_that_there_is_not_is_not_remembered_as_one(place: Place) -> None:
    text = f"parley.acme.key_{'0' * 16}.{'A' * 43}"
    for count in (1, 2):
        with pytest.raises(InvalidKey):
            place.service.verify(text)
        assert place.stored.asked == {"find": count}


def test_revoked_key_is_refused_at_once_here_and_soon_elsewhere(place: Place) -> None:
    key, text = place.service.create(ADMIN, Wanted("shop"))
    elsewhere = place.another()
    elsewhere.verify(text)
    place.service.revoke("acme", key.id)
    with pytest.raises(InvalidKey):
        place.service.verify(text)
    place.clock.pass_ms(TRUSTED_MS - 1)
    elsewhere.verify(text)
    place.clock.pass_ms(1)
    with pytest.raises(InvalidKey):
        elsewhere.verify(text)


def test_clock_that_goes_back_trusts_nothing_that_was_read(place: Place) -> None:
    _, text = place.service.create(ADMIN, Wanted("shop"))
    place.service.verify(text)
    place.stored.asked.clear()
    place.clock.pass_ms(-1)
    place.service.verify(text)
    assert place.stored.asked == {"find": 1}


def test_key_expires_by_itself(place: Place) -> None:
    key, text = place.service.create(ADMIN, Wanted("shop", seconds=60))
    assert key.expires_at_ms == NOW_MS + 60_000
    place.clock.pass_ms(59_999)
    place.service.verify(text)
    place.clock.pass_ms(1)
    with pytest.raises(InvalidKey):
        place.service.verify(text)


def test_keys_are_listed_the_newest_first_and_a_while_after_their_end(
    place: Place,
) -> None:
    service = place.service
    first, _ = service.create(ADMIN, Wanted("first"))
    place.clock.pass_ms(1)
    second, _ = service.create(ADMIN, Wanted("second", seconds=DAY_MS // 1000))
    service.create(Principal("other", "root", Role.ADMIN), Wanted("theirs"))
    assert [key.name for key in service.of_tenant("acme")] == ["second", "first"]
    service.revoke("acme", first.id)
    service.revoke("acme", second.id)
    again_ms = place.clock.now_ms()
    place.clock.pass_ms(1_000)
    service.revoke("acme", first.id)
    assert {key.revoked_at_ms for key in service.of_tenant("acme")} == {again_ms}
    place.clock.pass_ms(KEPT_MS)
    assert service.of_tenant("acme") == ()
    with pytest.raises(KeyNotFound):
        service.revoke("acme", first.id)


@pytest.mark.parametrize("key_id", ["key_0123456789abcdef", "", "x", "key_" + "g" * 16])
def test_key_that_there_is_not_cannot_be_revoked(place: Place, key_id: str) -> None:
    with pytest.raises(KeyNotFound):
        place.service.revoke("acme", key_id)


def test_another_tenant_s_key_is_not_there(place: Place) -> None:
    key, text = place.service.create(ADMIN, Wanted("shop"))
    with pytest.raises(KeyNotFound):
        place.service.revoke("other", key.id)
    assert place.service.verify(text)


def test_key_that_vanishes_meanwhile_is_not_there(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, _ = place.service.create(ADMIN, Wanted("shop"))

    def gone(key: ApiKey) -> None:
        raise Conflict("gone")

    monkeypatch.setattr(place.stored, "revoke", gone)
    with pytest.raises(KeyNotFound):
        place.service.revoke("acme", key.id)


def test_tenant_has_so_many_keys_and_no_more(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_LIVE", 2)
    monkeypatch.setattr(module, "MOST_KEPT", 3)
    service = place.service
    first, _ = service.create(ADMIN, Wanted("a"))
    service.create(ADMIN, Wanted("b"))
    with pytest.raises(TooManyKeys, match="2 live"):
        service.create(ADMIN, Wanted("c"))
    service.create(Principal("other", "root", Role.ADMIN), Wanted("theirs"))
    service.revoke("acme", first.id)
    third, _ = service.create(ADMIN, Wanted("c"))
    service.revoke("acme", third.id)
    with pytest.raises(TooManyKeys, match="90 days"):
        service.create(ADMIN, Wanted("d"))


def test_request_that_comes_again_makes_no_second_key(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = Wanted("shop", repetition="acme#4#root#k")
    key, text = place.service.create(ADMIN, wanted)
    monkeypatch.setattr(module, "MOST_LIVE", 1)
    with pytest.raises(KeyExists, match=key.id):
        place.service.create(ADMIN, wanted)
    assert place.service.verify(text).uid == key.id
    assert len(place.service.of_tenant("acme")) == 1


def test_store_that_fails_lets_nobody_in(place: Place) -> None:
    key, text = place.service.create(ADMIN, Wanted("shop"))
    place.stored.failure = Throttled("")
    for ask in (
        lambda: place.service.verify(text),
        lambda: place.service.create(ADMIN, Wanted("shop")),
        lambda: place.service.of_tenant("acme"),
        lambda: place.service.revoke("acme", key.id),
    ):
        with pytest.raises(Unavailable):
            ask()


def test_what_is_remembered_is_bounded(place: Place) -> None:
    texts = [place.service.create(ADMIN, Wanted(str(n)))[1] for n in range(3)]
    small = place.another()
    small._read._most = 2
    for text in texts:
        small.verify(text)
    place.stored.asked.clear()
    small.verify(texts[2])
    small.verify(texts[1])
    assert place.stored.asked == {}
    small.verify(texts[0])
    assert place.stored.asked == {"find": 1}


def test_text_of_a_key_is_what_is_looked_for(place: Place) -> None:
    _, text = place.service.create(ADMIN, Wanted("shop"))
    assert TEXT.match(text)
