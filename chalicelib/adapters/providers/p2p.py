"""Media between the parties themselves: no server has a room to be let into."""

from dataclasses import dataclass

from chalicelib.domain.call import Call
from chalicelib.protocol.ice import IceSettings
from chalicelib.protocol.vocabulary import Provider
from chalicelib.services.ports import JoinCredentials


@dataclass(frozen=True, slots=True)
class PeerToPeer:
    """A `MediaProvider`; what it gives is the way through networks."""

    ice: IceSettings

    def credentials(
        self,
        call: Call,
        uid: str,
        device_type: str,
        now_ms: int,
        seconds: int | None = None,
    ) -> JoinCredentials:
        return JoinCredentials(
            provider=Provider.P2P.value,
            url="",
            token="",
            room=call.id,
            more={"iceServers": self.ice.render(uid, now_ms // 1000)},
        )
