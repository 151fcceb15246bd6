"""What every part is built on: the settings, the clients, the table."""

import functools
import json
import os
from typing import Any

import botocore.config
import botocore.session

from chalicelib import settings as settings_module
from chalicelib.adapters.clock import SystemClock, SystemDraws
from chalicelib.adapters.dynamodb import rows
from chalicelib.adapters.dynamodb.calls import DynamoDBCalls
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.adapters.vault_kms import KmsVault
from chalicelib.adapters.vault_local import LocalVault
from chalicelib.services.vault import Vault
from chalicelib.settings import Settings

CLIENT_CONFIG = botocore.config.Config(
    connect_timeout=2,
    read_timeout=5,
    max_pool_connections=50,
    retries={"total_max_attempts": 3, "mode": "standard"},
)


@functools.cache
def settings() -> Settings:
    """The environment's variables, over the environment's one secret."""
    secret_arn = os.environ.get("PARLEY_SECRET_ARN")
    secrets: dict[str, str] = {}
    if secret_arn:
        answer = client("secretsmanager").get_secret_value(SecretId=secret_arn)
        secrets = json.loads(answer["SecretString"])
    return settings_module.parse({**secrets, **os.environ})


def calls(name: str) -> DynamoDBCalls:
    model = table(name)
    return DynamoDBCalls(model, rows.connection_of(model))


@functools.cache
def table(name: str) -> type[Row]:
    """One for all repositories, for each has a client of its own to be made."""
    model = rows.table(name)
    # Now, for threads that come together would make one each.
    _ = rows.connection_of(model).client
    return model


@functools.cache
def vault() -> Vault:
    """What seals secrets before they go to the table."""
    read = settings()
    if read.kms_key_arn:
        return KmsVault(lambda: client("kms"), read.kms_key_arn, SystemClock())
    return LocalVault(read.jwt_secret, SystemDraws())


@functools.cache
def client(service: str, endpoint_url: str | None = None) -> Any:
    # Straight from botocore: boto3 adds 60 ms to a start and nothing that we use.
    session = botocore.session.get_session()
    return session.create_client(
        service, config=CLIENT_CONFIG, endpoint_url=endpoint_url
    )
