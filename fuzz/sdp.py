"""Session descriptions: the same again or refused in one sentence, and whatever is
agreed upon can be read by the far end and by us."""

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.rtp import sdp
from mediaworker.rtp.negotiation import (
    Agreement,
    BrowserSide,
    NotAcceptable,
    OurMedia,
    accept_answer,
    answer,
    offer,
)
from mediaworker.rtp.sdp_attributes import Fingerprint, IceCredentials

CODECS = (Codec.PCMU, Codec.PCMA, Codec.G722, Codec.OPUS)
PHONE = OurMedia(CODECS, 7, address="192.0.2.1", port=4_000, ssrc=9, cname="c")
BROWSER = OurMedia(
    CODECS,
    7,
    browser=BrowserSide(
        IceCredentials("abcd", "0123456789012345678901"),
        (Fingerprint("sha-256", ":".join(["AB"] * 32)),),
    ),
)


def one_input(data: bytes) -> None:
    try:
        description = sdp.parse(data.decode(errors="replace"))
    except sdp.MalformedSdp as error:
        assert len(str(error)) < 100
        return
    assert sdp.parse(sdp.render(description)) == description
    for ours in (PHONE, BROWSER):
        try:
            agreement = answer(description, ours)
        except NotAcceptable as error:
            assert len(str(error)) < 100
        else:
            _hold_together(description, ours, agreement)
    _accept(description)


def _hold_together(
    offered: sdp.SessionDescription, ours: OurMedia, agreement: Agreement
) -> None:
    """The answer fits the offer, and the same offer again changes nothing."""
    answered = sdp.parse(agreement.text)
    assert [m.kind for m in answered.media] == [m.kind for m in offered.media]
    terms, audio = agreement.terms, answered.media[agreement.remote.index]
    assert audio.port
    assert audio.formats[0] == str(terms.payload_type)
    assert not terms.receive_types & terms.keys_receive.keys()
    assert answer(offered, ours, terms) == agreement
    again = sdp.parse(offer(ours, agreement))
    assert len(again.media) == len(offered.media)


def _accept(description: sdp.SessionDescription) -> None:
    try:
        agreement = accept_answer(PHONE, description)
        accept_answer(PHONE, description, agreement)
    except NotAcceptable as error:
        assert len(str(error)) < 100
