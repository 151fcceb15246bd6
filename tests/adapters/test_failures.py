"""What DynamoDB's failures mean to the services."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from pynamodb.connection import Connection
from pynamodb.exceptions import (
    CancellationReason,
    PutError,
    TransactWriteError,
    VerboseClientError,
)

from chalicelib.adapters.dynamodb import sessions
from chalicelib.adapters.dynamodb.calls import DynamoDBCalls
from chalicelib.adapters.dynamodb.failures import typed
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.services import ports
from chalicelib.services.roster import Fenced
from tests.builders import commit, create


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "PutItem")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ThrottlingException", ports.Throttled),
        ("ProvisionedThroughputExceededException", ports.Throttled),
        ("RequestLimitExceeded", ports.Throttled),
        ("ConditionalCheckFailedException", ports.Conflict),
        ("TransactionConflictException", ports.Conflict),
        ("TransactionInProgressException", ports.UnknownOutcome),
        ("InternalServerError", ports.UnknownOutcome),
    ],
)
def test_codes_are_typed(code: str, kind: type) -> None:
    assert type(typed(PutError(cause=client_error(code)))) is kind


def test_time_out_is_an_unknown_outcome() -> None:
    timeout = ReadTimeoutError(endpoint_url="https://dynamodb.example")
    assert type(typed(PutError(cause=timeout))) is ports.UnknownOutcome


def test_mistake_of_ours_is_not_typed() -> None:
    assert typed(PutError(cause=client_error("ValidationException"))) is None


def cancelled(*codes: str) -> TransactWriteError:
    reasons = [None if code == "None" else CancellationReason(code) for code in codes]
    cause = VerboseClientError(
        {"Error": {"Code": "TransactionCanceledException"}},
        "TransactWriteItems",
        cancellation_reasons=reasons,
    )
    return TransactWriteError("cancelled", cause)


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        (("None", "TransactionConflict"), ports.Conflict),
        (("None", "ThrottlingError"), ports.Throttled),
        (("TransactionConflict", "ProvisionedThroughputExceeded"), ports.Throttled),
        (("ConditionalCheckFailed",), ports.UnknownOutcome),
    ],
)
def test_cancelled_transaction_tells_why(
    table: type[Row],
    monkeypatch: pytest.MonkeyPatch,
    codes: tuple[str, ...],
    kind: type[ports.RepositoryError],
) -> None:
    def cancel(*args: Any, **kwargs: Any) -> None:
        raise cancelled(*codes)

    connection = Connection()
    monkeypatch.setattr(connection, "transact_write_items", cancel)
    with pytest.raises(kind):
        DynamoDBCalls(table, connection).commit(commit(None, create()))


def test_request_that_is_wrong_is_not_hidden(
    table: type[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise TransactWriteError("cancelled", client_error("ValidationException"))

    connection = Connection()
    monkeypatch.setattr(connection, "transact_write_items", refuse)
    with pytest.raises(TransactWriteError):
        DynamoDBCalls(table, connection).commit(commit(None, create()))


@pytest.mark.parametrize(
    ("codes", "is_fenced_first", "expected"),
    [
        (["ConditionalCheckFailed", None], True, Fenced),
        (["ConditionalCheckFailed", None], False, ports.Conflict),
        ([None, "ConditionalCheckFailed"], True, ports.Conflict),
        ([None, "TransactionConflict"], True, ports.Conflict),
        (["ConditionalCheckFailed", "ThrottlingError"], True, ports.Throttled),
        ([None, None], True, type(None)),
        ([], True, type(None)),
    ],
)
def test_session_s_cancellation_says_who_is_to_do_what(
    codes: list[str | None], is_fenced_first: bool, expected: type
) -> None:
    reasons = [CancellationReason(code) if code else None for code in codes]
    failure = sessions._failure(reasons, is_fenced_first)
    assert isinstance(failure, expected)
