"""One moto for the session, emptied between the tests that ask for a table."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.moto_api._internal.models import moto_api_backend

from chalicelib.adapters.dynamodb import rows
from chalicelib.adapters.dynamodb.rows import Row
from infra import wiring
from tests.adapters.tables import create_table

REGION = "eu-central-1"


@pytest.fixture(scope="session")
def moto_aws() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")
        with mock_aws():
            yield


@pytest.fixture(scope="session")
def dynamodb(moto_aws: None) -> Any:
    """One client for the session, and one model: each takes longer to make than most
    tests take."""
    return boto3.client("dynamodb")


@pytest.fixture(scope="session")
def model(moto_aws: None) -> type[Row]:
    return rows.table(wiring.TABLE.name)


@pytest.fixture
def table(dynamodb: Any, model: type[Row]) -> type[Row]:
    moto_api_backend.reset()
    create_table(dynamodb, wiring.TABLE.name)
    return model
