"""AWS clients for the laptop cloud's own use, whatever the environment says."""

import functools
import threading
from typing import Any

import boto3.session

from infra.laptop.environment import REGION

_creating = threading.Lock()


def client(service: str) -> Any:
    """A client with credentials that open nothing."""
    # Clients are safe for threads; creating one is not.
    with _creating:
        return _client(service)


@functools.cache
def _client(service: str) -> Any:
    # Its type is an overload for every service, of which we have few installed.
    session: Any = _session()
    return session.client(service)


@functools.cache
def _session() -> boto3.session.Session:
    return boto3.session.Session(
        aws_access_key_id="laptop",
        aws_secret_access_key="laptop",
        region_name=REGION,
    )
