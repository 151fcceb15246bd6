"""The other workers, and which of them has a session."""

from chalicelib.protocol.lease import Lease, Neighbour
from mediaworker.control.neighbours import Neighbours
from mediaworker.control.plane import ControlPlane, new_client
from tests.peers.fake_control import FakeControl
from tests.worker.control.builders import started
from tests.worker.gateway.fakes import SECRET, run

EPOCH = 4_000_000_000_000
OTHERS = [Neighbour("w2", "10.0.0.2:8080"), Neighbour("w3", "10.0.0.3:8080", True)]


def test_know_the_others_and_not_itself() -> None:
    found = Neighbours("w1")
    assert len(found) == 0
    found.learn([Neighbour("w1", "10.0.0.1:8080"), *OTHERS])
    assert len(found) == 2
    assert [found.find(name) for name in ("w1", "w2", "w3")] == [None, *OTHERS]
    found.learn(OTHERS[:1])
    assert found.find("w3") is None


def test_ask_the_control_plane_who_has_a_session() -> None:
    async def talk() -> None:
        async with FakeControl(SECRET).listening() as control, new_client() as client:
            lease = Lease("w1", 7, "10.0.0.1:8080", "ws://w1", 0, 9, False, 1_000)
            control.leases["w1"] = lease
            control.facts.append(started(1))
            plane = ControlPlane(client, control.url, "w2", SECRET, lambda: EPOCH)
            found = Neighbours("w2")
            assert await found.holder("default", "s1") is None
            found.ask_by(plane.find)
            assert await found.holder("default", "s1") == lease.neighbour
            assert await found.holder("default", "a b&c/%") is None
            assert await found.holder("other", "s1") is None
            control.statuses["find"] = [503, 200, 409]
            for _ in range(3):
                assert await found.holder("default", "s1") is None
            ours = Neighbours("w1")
            ours.ask_by(plane.find)
            assert await ours.holder("default", "s1") is None

    run(talk)
