"""Peers get the way through networks, and no room to be let into."""

from chalicelib.adapters.providers.p2p import PeerToPeer
from chalicelib.protocol.ice import ice_servers
from tests.builders import NOW_MS, create, play


def test_credentials_are_ice_servers_of_the_users_own() -> None:
    variables = {"TURN_URLS": "turn:turn.example", "TURN_SECRET": "s"}
    peers = PeerToPeer(ice_servers(variables))
    call = play(create())
    alice, bob = (peers.credentials(call, uid, "", NOW_MS) for uid in ("alice", "bob"))
    assert (alice.provider, alice.url, alice.token) == ("p2p", "", "")
    assert alice.room == bob.room == call.id
    usernames = [one.more["iceServers"][0]["username"] for one in (alice, bob)]
    assert [name.partition(":")[2] for name in usernames] == ["alice", "bob"]
    assert alice.more["iceServers"][0]["credential"] not in repr(alice)
