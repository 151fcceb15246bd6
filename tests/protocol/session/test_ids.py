"""An id leads to the worker that made it, or nowhere."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.session.ids import owned_id, session_id, worker_of
from tests.protocol.session.strategies import patient

SHORT = st.from_regex(r"[0-9a-f]{8}", fullmatch=True)


@patient
@given(worker_id=SHORT, drawn=st.uuids(version=4))
def test_session_id_is_a_uuid_that_names_its_worker(
    worker_id: str, drawn: uuid.UUID
) -> None:
    made = session_id(worker_id, str(drawn))
    assert uuid.UUID(made).version == 4
    assert worker_of(made) == worker_id


@patient
@given(worker_id=st.from_regex(r"[A-Za-z0-9]{1,16}", fullmatch=True))
def test_owned_id_names_its_worker(worker_id: str) -> None:
    assert worker_of(owned_id(worker_id, "7f3@10.0.0.1-tag")) == worker_id


@pytest.mark.parametrize(
    "made", ["session123", "", "-a", "a-", "a.b-c", "x" * 17 + "-a"]
)
def test_id_of_an_applications_own_names_nobody(made: str) -> None:
    assert worker_of(made) is None


@pytest.mark.parametrize(
    ("worker_id", "unique"),
    [
        ("w-1", "a"),
        ("", "a"),
        ("w" * 17, "a"),
        ("w1", ""),
        ("w1", "a/b"),
        ("w1", "a" * 300),
    ],
)
def test_refuse_an_id_that_could_not_be_told_apart(worker_id: str, unique: str) -> None:
    with pytest.raises(ValueError, match=r"has 1 to"):
        owned_id(worker_id, unique)


def test_refuse_a_session_id_of_no_uuid() -> None:
    with pytest.raises(ValueError, match=r"made from a UUID"):
        session_id("w1", "NOT-A-UUID")
