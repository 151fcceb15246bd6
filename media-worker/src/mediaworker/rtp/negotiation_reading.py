"""What their description of the audio tells of them, and whether we can have it."""

from mediaworker.rtp.negotiation_sides import RemoteMedia
from mediaworker.rtp.negotiation_terms import NotAcceptable
from mediaworker.rtp.sdp import MOST_PORT, Media, SessionDescription
from mediaworker.rtp.sdp_attributes import (
    Setup,
    bundles_of,
    candidates_of,
    fingerprints_of,
    has,
    ice_of,
    mid_of,
    rtcp_of,
    setup_of,
    ssrcs_of,
)

PLAIN = "RTP/AVP"
PLAIN_PROTOCOLS = frozenset((PLAIN, "RTP/AVPF"))
BROWSER_PROTOCOLS = frozenset(
    (
        "UDP/TLS/RTP/SAVPF",
        "UDP/TLS/RTP/SAVP",
        "TCP/DTLS/RTP/SAVPF",
        "TCP/DTLS/RTP/SAVP",
        "RTP/SAVPF",
        "RTP/SAVP",
    )
)
"""All of them mean the same there, RFC 8829 section 5.1.2."""
ANSWERED_SETUPS = {
    Setup.ACTPASS: Setup.ACTIVE,
    Setup.PASSIVE: Setup.ACTIVE,
    Setup.ACTIVE: Setup.PASSIVE,
}


def check_plain(media: Media) -> None:
    """Raises `NotAcceptable`."""
    if not media.port:
        raise NotAcceptable("the audio is refused, or given up")
    if media.protocol not in PLAIN_PROTOCOLS:
        raise NotAcceptable("the audio is not offered as plain RTP")


def check_browser(media: Media) -> None:
    """Raises `NotAcceptable`."""
    if not media.port and not has(media.attributes, "bundle-only"):
        raise NotAcceptable("the audio is refused, or given up")
    if media.protocol not in BROWSER_PROTOCOLS:
        raise NotAcceptable("the audio is not offered with DTLS and SRTP")
    if not has(media.attributes, "rtcp-mux"):
        raise NotAcceptable("the audio is offered without rtcp-mux")


def remote_plain(session: SessionDescription, index: int) -> RemoteMedia:
    """Raises `NotAcceptable`."""
    media = session.media[index]
    address = media.connection or session.connection
    if address is None:
        raise NotAcceptable("the audio has no address")
    is_rtcp_mux = has(media.attributes, "rtcp-mux")
    usual = min(media.port + 1, MOST_PORT)
    rtcp_port, rtcp_address = rtcp_of(media) or (usual, None)
    return RemoteMedia(
        address,
        media.port,
        address if is_rtcp_mux else rtcp_address or address,
        media.port if is_rtcp_mux else rtcp_port,
        is_rtcp_mux,
        index,
        mid=mid_of(media),
        ssrcs=ssrcs_of(media),
    )


def remote_browser(session: SessionDescription, index: int) -> RemoteMedia:
    """Raises `NotAcceptable`."""
    media = session.media[index]
    carrier = _carrier(session, media)
    ice = ice_of(carrier, session)
    fingerprints = fingerprints_of(carrier, session)
    if ice is None or not fingerprints:
        raise NotAcceptable("the audio is offered without ICE or a fingerprint")
    address = carrier.connection or session.connection or ""
    return RemoteMedia(
        address,
        carrier.port,
        address,
        carrier.port,
        True,
        index,
        mid_of(media),
        ssrcs_of(media),
        ice,
        has(session.attributes, "ice-lite"),
        candidates_of(carrier, session),
        has(carrier.attributes, "end-of-candidates")
        or has(session.attributes, "end-of-candidates"),
        fingerprints,
        setup_of(carrier, session),
    )


def answered_setup(remote: RemoteMedia) -> Setup:
    """Ours; raises `NotAcceptable`."""
    setup = ANSWERED_SETUPS.get(remote.setup or Setup.ACTPASS)
    if setup is None:
        raise NotAcceptable("the offer holds the connection back")
    return setup


def leader_of(session: SessionDescription, media: Media) -> Media | None:
    """The first of its bundle, if that is another stream and can be had.

    The bundle's transport is offered with it, and Chromium with its ``max-bundle``
    takes no answer that refuses it (RFC 9143 section 7.3.2 lets one).
    """
    mid = mid_of(media)
    first = next((b[0] for b in bundles_of(session) if mid in b), mid)
    if first == mid:
        return None
    leader = next((m for m in session.media if mid_of(m) == first), None)
    if leader is None or not leader.port or leader.protocol not in BROWSER_PROTOCOLS:
        return None
    return leader


def _carrier(session: SessionDescription, media: Media) -> Media:
    """Whose transport the medium is offered with: its own, or its bundle's."""
    if ice_of(media, session) is not None:
        return media
    return leader_of(session, media) or media
