"""Applications' connections in a dictionary: the twin of DynamoDB's."""

from chalicelib.services.relay import Connection


class MemoryConnections:
    """A `ConnectionRepository`."""

    def __init__(self) -> None:
        self._connections: dict[str, Connection] = {}

    def keep(self, connection: Connection) -> None:
        self._connections[connection.connection_id] = connection

    def find(self, connection_id: str) -> Connection | None:
        return self._connections.get(connection_id)

    def forget(self, connection_id: str) -> None:
        self._connections.pop(connection_id, None)
