"""Our descriptions."""

from collections.abc import Iterator, Sequence

from mediaworker.rtp import sdp
from mediaworker.rtp.negotiation_sides import BrowserSide, OurMedia
from mediaworker.rtp.sdp import Attribute, Media, Origin, SessionDescription
from mediaworker.rtp.sdp_attributes import (
    Setup,
    bundles_of,
    mid_of,
    render_candidate,
)
from mediaworker.rtp.sdp_formats import RtpMap, render_rtp_map

PTIME_MS = 20
PORT = 9
"""Stands for none where there is ICE, RFC 8839 section 4.3.2."""


def describe(
    ours: OurMedia, lines: tuple[Media, ...], bundle: str | None = None
) -> str:
    """The text of a whole description; the bundle names its members."""
    attributes: tuple[Attribute, ...] = ()
    if bundle is not None:
        attributes += (Attribute("group", f"BUNDLE {bundle}"),)
    if ours.browser is not None:
        attributes += (Attribute("ice-options", "trickle"),)
    origin = Origin("-", str(ours.session_id), str(ours.version), ours.address)
    return sdp.render(
        SessionDescription(
            origin, connection=ours.address, attributes=attributes, media=lines
        )
    )


def our_audio(
    ours: OurMedia,
    formats: Sequence[RtpMap],
    protocol: str,
    *,
    mid: str | None = None,
    setup: Setup | None = None,
    has_rtcp_mux: bool = False,
) -> Media:
    """The ``m=`` line of our audio, with all that belongs to it."""
    attributes = [Attribute(ours.direction)]
    if mid is not None:
        attributes.append(Attribute("mid", mid))
    if has_rtcp_mux:
        attributes.append(Attribute("rtcp-mux"))
    for rtp_map in formats:
        attributes.extend(render_rtp_map(rtp_map))
    attributes.append(Attribute("ptime", str(PTIME_MS)))
    attributes.extend(_source(ours))
    if ours.browser is not None and setup is not None:
        attributes.extend(_transport(ours.browser, setup))
    types = tuple(str(rtp_map.payload_type) for rtp_map in formats)
    return Media("audio", ours.port, protocol, types, attributes=tuple(attributes))


def refused(media: Media) -> Media:
    """As an answer has it, in its place."""
    mid = mid_of(media)
    attributes = () if mid is None else (Attribute("mid", mid),)
    return Media(
        media.kind, 0, media.protocol, media.formats[:1], attributes=attributes
    )


def idle(media: Media, browser: BrowserSide, setup: Setup) -> Media:
    """As an answer has it that needs its transport, and nothing else of it."""
    chosen = media.formats[0]
    attributes = [Attribute("inactive"), Attribute("rtcp-mux")]
    attributes += [a for a in media.attributes if _is_of(a, chosen)]
    attributes += _transport(browser, setup)
    return Media(
        media.kind, PORT, media.protocol, (chosen,), attributes=tuple(attributes)
    )


def _is_of(attribute: Attribute, payload_type: str) -> bool:
    """Its ``mid``, and what it says of the payload type."""
    if attribute.name in ("rtpmap", "fmtp"):
        return (attribute.value or "").split(" ")[0] == payload_type
    return attribute.name == "mid"


def bundle_of(
    offered: SessionDescription, media: Media, leader: Media | None
) -> str | None:
    """The ``mid`` of each that shares the audio's transport, if a bundle is offered."""
    mid = mid_of(media)
    if mid is None or not any(mid in bundle for bundle in bundles_of(offered)):
        return None
    return mid if leader is None else f"{mid_of(leader)} {mid}"


def _source(ours: OurMedia) -> Iterator[Attribute]:
    if ours.browser is not None:
        ids = f"{ours.browser.stream_id} {ours.browser.track_id}"
        yield Attribute("msid", ids)
    if ours.ssrc is not None:
        yield Attribute("ssrc", f"{ours.ssrc} cname:{ours.cname}")


def _transport(browser: BrowserSide, setup: Setup) -> Iterator[Attribute]:
    yield Attribute("ice-ufrag", browser.ice.ufrag)
    yield Attribute("ice-pwd", browser.ice.password)
    for fingerprint in browser.fingerprints:
        value = f"{fingerprint.algorithm} {fingerprint.value}"
        yield Attribute("fingerprint", value)
    yield Attribute("setup", setup)
    for candidate in browser.candidates:
        yield Attribute("candidate", render_candidate(candidate))
    if browser.has_all_candidates:
        yield Attribute("end-of-candidates")
