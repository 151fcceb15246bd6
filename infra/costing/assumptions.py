"""What a replay on one machine cannot measure, and is assumed instead.

Times are those that a warm function in the same region sees, its client's HTTP and
TLS included. They decide nothing but Lambda's milliseconds, and the report shows
what comes of them apart from what was measured.
"""

REQUEST_MS = {
    ("dynamodb", "GetItem"): 4.0,
    ("dynamodb", "BatchGetItem"): 6.0,
    ("dynamodb", "Query"): 6.0,
    ("dynamodb", "PutItem"): 6.0,
    ("dynamodb", "UpdateItem"): 6.0,
    ("dynamodb", "DeleteItem"): 6.0,
    ("dynamodb", "BatchWriteItem"): 10.0,
    ("dynamodb", "TransactGetItems"): 10.0,
    ("dynamodb", "TransactWriteItems"): 12.0,
    ("eventbridge", "PutEvents"): 12.0,
    ("sfn", "StartExecution"): 25.0,
    ("sqs", "SendMessage"): 10.0,
    ("secrets-manager", "GetSecretValue"): 30.0,
}

UNKNOWN_REQUEST_MS = 20.0
"""Any other request of an AWS client."""

POST_MS = 50.0
"""An HTTP request to somebody else, such as a webhook, with a new TLS connection."""

RUNTIME_MS = 1.0
"""Lambda's own: the event is fetched and decoded, the answer encoded and posted."""

RECEIVER_SECONDS = 0.01
"""How long the replay's own receiver takes, so that the doorbells of one commit find
their delivery lane held, as they would by a business that answers in `POST_MS`."""

EXPRESS_MEMORY_MB = 64
"""Of an execution: definition and input are small, nothing runs in parallel."""

LOG_COMPRESSION = 0.15
"""Kept bytes of a log for each byte taken in, as CloudWatch's calculator has it."""

COLD_SHARE = 0.01
"""Of invocations; told beside the total and not in it."""
COLD_START_MS = 600.0
"""Import and first client, on the share of a core that the functions have."""
