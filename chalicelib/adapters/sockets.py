"""API Gateway's WebSockets, from the side of the functions behind them."""

import logging
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.services.devices.devices import (
    SocketGone,
    SocketRefused,
    SocketUnreachable,
)

log = logging.getLogger(__name__)

GONE = "GoneException"
REFUSALS = frozenset({"PayloadTooLargeException", "ForbiddenException"})
"""What the same again would be answered with, too."""


class GatewaySockets:
    """A `SocketCloser` and a `Sockets`. The client is made on first use: few functions
    ever need it."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client

    def post(self, connection_id: str, text: str) -> None:
        try:
            self._client().post_to_connection(
                ConnectionId=connection_id, Data=text.encode()
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == GONE:
                raise SocketGone(connection_id) from None
            if code in REFUSALS:
                raise SocketRefused(code) from None
            raise SocketUnreachable(code) from None
        except BotoCoreError as error:
            raise SocketUnreachable(type(error).__name__) from None

    def close(self, connection_id: str) -> None:
        try:
            self._client().delete_connection(ConnectionId=connection_id)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code != GONE:
                log.warning("socket not closed", extra={"error": code})
        except BotoCoreError as error:
            log.warning("socket not closed", extra={"error": type(error).__name__})
