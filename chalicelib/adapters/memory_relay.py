"""Applications' connections in a dictionary: the twin of DynamoDB's."""

from collections.abc import Mapping

from chalicelib.services.pseudonyms import Subject
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

    def erase(self, subject: Subject) -> Mapping[str, int]:
        """See `chalicelib.services.erasure.Erasure`."""
        owner = (subject.tenant, subject.uid)
        own = [
            connection_id
            for connection_id, one in self._connections.items()
            if (one.tenant, one.uid) == owner
        ]
        for connection_id in own:
            self.forget(connection_id)
        return {"connections": len(own)} if own else {}
