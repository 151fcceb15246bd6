"""AWS clients: the laptop cloud's own, and those of the functions in one process."""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3.session
from pynamodb.connection import Connection

from infra.laptop.environment import REGION
from infra.laptop.patching import replaced

_creating = threading.Lock()


def client(service: str) -> Any:
    """A client with credentials that open nothing."""
    # Clients are safe for threads; creating one is not.
    with _creating:
        return _client(service)


@contextmanager
def connections_shared() -> Iterator[None]:
    """Within the block threads that share a connection of pynamodb's share a client.

    By itself it makes one for each thread that comes while the first is in the making.
    """
    original = vars(Connection)["client"]
    making = threading.RLock()

    def shared(connection: Connection) -> Any:
        with making:
            return original.fget(connection)

    with replaced(Connection, "client", property(shared)):
        yield


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
