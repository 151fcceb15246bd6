"""What botocore and DynamoDB raise, as the ports' typed errors."""

from botocore.exceptions import BotoCoreError
from pynamodb.exceptions import PynamoDBException

from chalicelib.services.ports import (
    Conflict,
    RepositoryError,
    Throttled,
    UnknownOutcome,
)

CONDITION_FAILED = "ConditionalCheckFailed"
THROTTLES = frozenset(
    {
        "ThrottlingException",
        "ThrottlingError",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
    }
)
CONFLICTS = frozenset(
    {
        "TransactionConflict",
        "TransactionConflictException",
        "ConditionalCheckFailedException",
    }
)
UNKNOWNS = frozenset(
    {
        "TransactionInProgressException",
        "InternalServerError",
        "InternalFailure",
        "ServiceUnavailable",
    }
)


def typed(error: PynamoDBException) -> RepositoryError | None:
    """None for what is a mistake of ours, and should be raised as it is.

    A request that timed out or lost its connection may have been carried out.
    """
    if isinstance(error.cause, BotoCoreError):
        return UnknownOutcome(type(error.cause).__name__)
    code = error.cause_response_code
    if code in THROTTLES:
        return Throttled(code)
    if code in CONFLICTS:
        return Conflict(code)
    if code in UNKNOWNS:
        return UnknownOutcome(code)
    return None
