"""Which tests run side by side; one moto for the session, emptied between the tests
that ask for a table."""

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from hypothesis import settings
from moto import mock_aws
from moto.dynamodb.responses import DynamoHandler
from moto.moto_api._internal.models import moto_api_backend

from chalicelib.adapters.dynamodb import rows
from chalicelib.adapters.dynamodb.rows import Row
from infra import wiring
from tests.adapters.tables import create_table

REGION = "eu-central-1"
# Before onnxruntime is imported: a test tells nobody of itself.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
# How long an example takes is a matter of what else the machine does.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run side by side, those of one file or of the one cloud do not."""
    for item in items:
        is_of_cloud = item.get_closest_marker("cloud") is not None
        name = "cloud" if is_of_cloud else str(item.path)
        item.add_marker(pytest.mark.xdist_group(name))


@pytest.fixture(scope="session")
def moto_aws() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")
        patch.setattr(DynamoHandler, "call_action", _one_at_a_time())
        with mock_aws():
            yield


def _one_at_a_time() -> Callable[[DynamoHandler], Any]:
    """moto's DynamoDB copies its tables, and is not made for threads."""
    original, lock = DynamoHandler.call_action, threading.RLock()

    def call_action(handler: DynamoHandler) -> Any:
        with lock:
            return original(handler)

    return call_action


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
