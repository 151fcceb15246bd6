"""API Gateway's WebSockets, from the side of the functions behind them."""

import logging
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger(__name__)

GONE = "GoneException"


class GatewaySockets:
    """A `SocketCloser`. The client is made on first use: few functions ever need it."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client

    def close(self, connection_id: str) -> None:
        try:
            self._client().delete_connection(ConnectionId=connection_id)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code != GONE:
                log.warning("socket not closed", extra={"error": code})
        except BotoCoreError as error:
            log.warning("socket not closed", extra={"error": type(error).__name__})
