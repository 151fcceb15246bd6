"""The providers that carry media, as the environment sets them up."""

from chalicelib.adapters.providers.livekit import LiveKit
from chalicelib.adapters.providers.p2p import PeerToPeer
from chalicelib.adapters.providers.trtc import Trtc
from chalicelib.protocol.vocabulary import Provider
from chalicelib.services.ports import MediaProvider
from chalicelib.settings import Settings, TrtcSettings


def providers(settings: Settings) -> dict[Provider, MediaProvider]:
    """Those that the environment sets up.

    A worker is none of them yet: its sessions have one party each.
    """
    found: dict[Provider, MediaProvider] = {Provider.P2P: PeerToPeer(settings.ice)}
    if settings.trtc:
        found[Provider.TRTC] = trtc(settings.trtc)
    if livekit := settings.livekit:
        found[Provider.LIVEKIT] = LiveKit(
            livekit.client_url, livekit.api_key, livekit.api_secret
        )
    return found


def trtc(settings: TrtcSettings) -> Trtc:
    return Trtc(settings.sdk_app_id, settings.secret_key)
