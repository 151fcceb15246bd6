"""Offer and answer (RFC 3264) for one stream of audio, by SIP or with a browser."""

from dataclasses import replace

from mediaworker.rtp.negotiation_reading import (
    PLAIN,
    answered_setup,
    check_browser,
    check_plain,
    leader_of,
    remote_browser,
    remote_plain,
)
from mediaworker.rtp.negotiation_sides import (
    Agreement,
    BrowserSide,
    OurMedia,
    RemoteMedia,
)
from mediaworker.rtp.negotiation_terms import (
    NotAcceptable,
    Terms,
    agreed_by_answer,
    agreed_by_offer,
    answered_formats,
    offered_formats,
)
from mediaworker.rtp.negotiation_writing import (
    bundle_of,
    describe,
    idle,
    our_audio,
    refused,
)
from mediaworker.rtp.sdp import SessionDescription
from mediaworker.rtp.sdp_attributes import Direction, direction_of
from mediaworker.rtp.sdp_formats import RtpMap

__all__ = [
    "Agreement",
    "BrowserSide",
    "NotAcceptable",
    "OurMedia",
    "RemoteMedia",
    "Terms",
    "accept_answer",
    "answer",
    "offer",
]

AUDIO = "audio"
NO_ADDRESSES = ("0.0.0.0", "::")


def answer(
    offered: SessionDescription, ours: OurMedia, current: Terms | None = None
) -> Agreement:
    """Agree to the first audio that can be had; what else is offered is refused.

    A renegotiation gives the terms in force: their codec stays, or nothing is agreed.
    Raises `NotAcceptable`.
    """
    refusal = NotAcceptable("no audio is offered")
    for index, media in enumerate(offered.media):
        if media.kind != AUDIO:
            continue
        try:
            return _answered(offered, index, ours, current)
        except NotAcceptable as error:
            refusal = error
    raise refusal


def offer(ours: OurMedia, current: Agreement | None = None) -> str:
    """An offer of plain RTP; once something is agreed, of the same codec alone.

    It keeps the place of the audio among what was refused before.
    """
    media = our_audio(ours, _offered_formats(ours, current), PLAIN)
    if current is None:
        return describe(ours, (media,))
    index = current.remote.index
    lines = (*current.lines[:index], media, *current.lines[index + 1 :])
    return describe(ours, lines)


def accept_answer(
    ours: OurMedia, answered: SessionDescription, current: Agreement | None = None
) -> Agreement:
    """What their answer means to `offer` of the same two; raises `NotAcceptable`."""
    index = 0 if current is None else current.remote.index
    if index >= len(answered.media) or answered.media[index].kind != AUDIO:
        raise NotAcceptable("the answer has no audio")
    media = answered.media[index]
    check_plain(media)
    terms = agreed_by_offer(media, _offered_formats(ours, current))
    remote = remote_plain(answered, index)
    theirs = _direction(answered, remote, is_plain=True)
    return Agreement(
        terms,
        remote,
        _ours(theirs, ours),
        ours.direction.has_send and not theirs.has_receive,
        () if current is None else current.lines,
    )


def _answered(
    offered: SessionDescription, index: int, ours: OurMedia, current: Terms | None
) -> Agreement:
    media = offered.media[index]
    terms = agreed_by_answer(media, ours.codecs if current is None else [current.codec])
    is_plain = ours.browser is None
    if is_plain:
        check_plain(media)
        remote, setup = remote_plain(offered, index), None
    else:
        check_browser(media)
        remote = remote_browser(offered, index)
        setup = answered_setup(remote)
    theirs = _direction(offered, remote, is_plain=is_plain)
    agreement = Agreement(
        terms, remote, _ours(theirs, ours), not theirs.has_receive, setup=setup
    )
    return _written(offered, ours, agreement)


def _written(
    offered: SessionDescription, ours: OurMedia, agreement: Agreement
) -> Agreement:
    """With our answer."""
    index, browser, setup = agreement.remote.index, ours.browser, agreement.setup
    media = offered.media[index]
    lines = [refused(other) for other in offered.media]
    lines[index] = our_audio(
        replace(ours, direction=agreement.direction),
        answered_formats(agreement.terms),
        media.protocol,
        mid=agreement.remote.mid,
        setup=setup,
        has_rtcp_mux=agreement.remote.is_rtcp_mux,
    )
    bundle = None
    if browser is not None and setup is not None:
        leader = leader_of(offered, media)
        if leader is not None:
            lines[offered.media.index(leader)] = idle(leader, browser, setup)
        bundle = bundle_of(offered, media, leader)
    text = describe(ours, tuple(lines), bundle)
    return replace(agreement, lines=tuple(lines), text=text)


def _offered_formats(ours: OurMedia, current: Agreement | None) -> list[RtpMap]:
    if current is None:
        return offered_formats(ours.codecs)
    return answered_formats(current.terms)


def _direction(
    session: SessionDescription, remote: RemoteMedia, *, is_plain: bool
) -> Direction:
    """Theirs; nothing can be sent to no address, which was a hold before RFC 3264."""
    theirs = direction_of(session.media[remote.index], session)
    has_address = not is_plain or remote.address not in NO_ADDRESSES
    return Direction.of(theirs.has_send, theirs.has_receive and has_address)


def _ours(theirs: Direction, ours: OurMedia) -> Direction:
    """What is left of ours."""
    wished = ours.direction
    return Direction.of(
        theirs.has_receive and wished.has_send, theirs.has_send and wished.has_receive
    )
