"""What every repository of applications' connections must do."""

from dataclasses import replace

from chalicelib.services.relay import Connection, ConnectionRepository
from tests.builders import NOW_MS

CONNECTION = Connection(
    connection_id="L0SM9cOFvHcCIhw=",
    worker_id="w1",
    epoch=1,
    address="10.0.0.7:8080",
    tenant="default",
    uid="alice",
    opened_at_ms=NOW_MS,
)


class ConnectionRepositoryContract:
    """Subclasses give a fixture ``connections`` with an empty repository."""

    def test_connection_is_found_as_it_was_kept(
        self, connections: ConnectionRepository
    ) -> None:
        assert connections.find(CONNECTION.connection_id) is None
        other = replace(CONNECTION, connection_id="other", worker_id="w2")
        connections.keep(CONNECTION)
        connections.keep(other)
        assert connections.find(CONNECTION.connection_id) == CONNECTION
        assert connections.find("other") == other

    def test_connection_is_forgotten(self, connections: ConnectionRepository) -> None:
        connections.keep(CONNECTION)
        connections.forget(CONNECTION.connection_id)
        connections.forget(CONNECTION.connection_id)
        assert connections.find(CONNECTION.connection_id) is None
