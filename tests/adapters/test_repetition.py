"""Answers of repeated requests, in memory and on moto."""

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from pynamodb.exceptions import PutError

from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.adapters.memory_repetition import MemoryRepetitions
from chalicelib.adapters.repetitions import StoredRepetitions
from chalicelib.adapters.vault_local import LocalVault
from chalicelib.services.repetition import KEPT_MS, Reply
from chalicelib.services.retries import Unavailable
from chalicelib.services.vault import VaultFailed
from tests.adapters.repetition_contract import RepetitionsContract, Work
from tests.builders import NOW_MS, FakeClock, FakeDraws

SECRET = "a-jwt-secret-of-at-least-thirty-two-bytes"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class TestMemoryRepetitions(RepetitionsContract):
    @pytest.fixture
    def repetitions(self, clock: FakeClock) -> MemoryRepetitions:
        return MemoryRepetitions(clock)


class TestStoredRepetitions(RepetitionsContract):
    @pytest.fixture
    def repetitions(self, table: type[Row], clock: FakeClock) -> StoredRepetitions:
        draws = FakeDraws()
        return StoredRepetitions(table, LocalVault(SECRET, draws), clock, draws)

    def test_answer_is_sealed_in_an_item_that_expires(
        self, table: type[Row], repetitions: StoredRepetitions
    ) -> None:
        repetitions.once("k", "f", lambda: Reply(201, '{"secret": "whsec_x"}'))
        (row,) = table.scan()
        assert row.pk.startswith("REPEAT#") and row.ttl == (NOW_MS + KEPT_MS) // 1000
        assert "whsec_x" not in str(row.attribute_values)

    def test_answer_may_be_longer_than_a_vault_takes(
        self, repetitions: StoredRepetitions
    ) -> None:
        long = Reply(200, "x" * 100_000)
        assert repetitions.once("k", "f", lambda: long) == long
        assert repetitions.once("k", "f", Work()).body == long.body

    def test_nothing_is_done_when_nothing_can_be_sealed(
        self, table: type[Row], clock: FakeClock
    ) -> None:
        work = Work()
        stored = StoredRepetitions(table, BrokenVault(), clock, FakeDraws())
        with pytest.raises(Unavailable, match="VaultFailed"):
            stored.once("k", "f", work)
        assert work.done == [] and list(table.scan()) == []

    def test_lost_answer_of_the_table_is_asked_for_again(
        self,
        table: type[Row],
        repetitions: StoredRepetitions,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Its first write was stored, so that the second finds it there."""
        save, lost = table.save, [True]

        def flaky(self: Row, *how: object) -> object:
            done = save(self, *how)  # type: ignore[arg-type]
            if lost and lost.pop():
                raise timed_out()
            return done

        monkeypatch.setattr(table, "save", flaky)
        work = Work()
        assert repetitions.once("k", "f", work) == Reply(200, '{"done": 1}')
        assert repetitions.once("k", "f", work).is_repeated

    def test_nothing_is_done_while_the_table_does_not_answer(
        self, repetitions: StoredRepetitions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(self: Row, *how: object) -> object:
            raise timed_out()

        monkeypatch.setattr(repetitions.table, "save", fail)
        work = Work()
        with pytest.raises(Unavailable):
            repetitions.once("k", "f", work)
        assert work.done == []

    def test_what_is_done_is_answered_even_if_it_cannot_be_kept(
        self, repetitions: StoredRepetitions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(self: Row, *how: object) -> object:
            raise timed_out()

        work = Work(meanwhile=lambda: monkeypatch.setattr(Row, "save", fail))
        assert repetitions.once("k", "f", work) == Reply(200, '{"done": 1}')

    def test_item_that_expires_between_two_looks_is_taken(
        self,
        repetitions: StoredRepetitions,
        clock: FakeClock,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        repetitions.once("k", "f", Work())
        clock.pass_ms(KEPT_MS - 1)
        get = repetitions.table.get

        def slowly(*how: Any, **more: Any) -> Row:
            clock.pass_ms(1)
            return get(*how, **more)

        monkeypatch.setattr(repetitions.table, "get", slowly)
        assert not repetitions.once("k", "g", Work()).is_repeated

    def test_item_that_is_deleted_between_two_looks_is_taken(
        self, repetitions: StoredRepetitions, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        repetitions.once("k", "f", Work())
        get = repetitions.table.get

        def too_late(*how: Any, **more: Any) -> Row:
            get(*how, **more).delete()
            return get(*how, **more)

        monkeypatch.setattr(repetitions.table, "get", too_late)
        assert not repetitions.once("k", "g", Work()).is_repeated


class BrokenVault:
    """A `Vault` that is out of reach."""

    def seal(self, plaintext: str, context: Mapping[str, str]) -> str:
        raise VaultFailed("unreachable")

    def open(self, sealed: str, context: Mapping[str, str]) -> str:
        raise VaultFailed("unreachable")


def timed_out() -> PutError:
    return PutError(cause=ReadTimeoutError(endpoint_url="http://dynamodb"))
