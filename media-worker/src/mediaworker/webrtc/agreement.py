"""An offer of a browser's, and what is agreed by our answer to it."""

from dataclasses import dataclass, field

from aioice import Candidate as IceCandidate

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.rtp.negotiation import (
    Agreement,
    BrowserSide,
    NotAcceptable,
    OurMedia,
    answer,
)
from mediaworker.rtp.negotiation_terms import Terms
from mediaworker.rtp.sdp import MalformedSdp, SessionDescription, parse
from mediaworker.rtp.sdp_attributes import Candidate, Fingerprint, IceCredentials, Setup
from mediaworker.runtime.clock import new_ssrc, new_uuid
from mediaworker.runtime.wires import WIRES, Wire
from mediaworker.webrtc.candidates import as_sdp
from mediaworker.webrtc.transport import Browser

FINGERPRINT = "sha-256"
BAD_REQUEST = 400
NOT_ACCEPTABLE = 488


class Refused(Exception):
    """There is no call: a SIP status, and one plain sentence."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class OurSide:
    """What we bring for ICE and DTLS."""

    ufrag: str
    password: str = field(repr=False)
    fingerprint: str
    candidates: tuple[IceCandidate, ...]
    has_all_candidates: bool


@dataclass(frozen=True, slots=True)
class Agreed:
    """What both sides will do."""

    terms: Terms
    browser: Browser
    candidates: tuple[Candidate, ...]
    """The browser's, of its offer."""
    mid: str
    index: int
    """Of the ``m=`` line."""
    hears: bool
    """It wants our audio."""
    speaks: bool
    """It sends some."""
    ssrc: int
    """Ours."""
    cname: str
    answer: str = field(repr=False)

    @property
    def wire(self) -> Wire:
        """G.711 is decoded with that of all calls, anything else by the leg."""
        codec = self.terms.codec
        return WIRES[codec if codec in WIRES else Codec.PCM]


def read(sdp: str) -> SessionDescription:
    """Raises `Refused`."""
    try:
        return parse(sdp)
    except MalformedSdp as error:
        raise Refused(BAD_REQUEST, f"the offer is malformed: {error}") from None


def agree(
    offered: SessionDescription, side: OurSide, codecs: tuple[Codec, ...]
) -> Agreed:
    """Raises `Refused`."""
    ssrc, cname = new_ssrc(), new_uuid()
    ours = OurMedia(
        codecs,
        session_id=new_ssrc(),
        ssrc=ssrc,
        cname=cname,
        browser=BrowserSide(
            IceCredentials(side.ufrag, side.password),
            (Fingerprint(FINGERPRINT, side.fingerprint),),
            tuple(as_sdp(candidate) for candidate in side.candidates),
            side.has_all_candidates,
        ),
    )
    try:
        agreement = answer(offered, ours)
    except NotAcceptable as error:
        raise Refused(NOT_ACCEPTABLE, f"the offer cannot be met: {error}") from None
    remote = agreement.remote
    return Agreed(
        agreement.terms,
        _browser(agreement),
        remote.candidates,
        str(remote.index) if remote.mid is None else remote.mid,
        remote.index,
        agreement.direction.has_send,
        agreement.direction.has_receive,
        ssrc,
        cname,
        agreement.text,
    )


def _browser(agreement: Agreement) -> Browser:
    remote = agreement.remote
    assert remote.ice is not None, "a browser's offer was agreed to without"
    return Browser(
        remote.ice.ufrag,
        remote.ice.password,
        tuple((one.algorithm, one.value) for one in remote.fingerprints),
        is_lite=remote.is_ice_lite,
        begins_dtls=agreement.setup is not Setup.ACTIVE,
    )
