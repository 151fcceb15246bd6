"""The addresses that a browser names for itself, before its offer, in it, and after."""

from collections.abc import Callable

from mediaworker.rtp.sdp_attributes import Candidate
from mediaworker.session.legs import AddCandidate
from mediaworker.webrtc.candidates import BadCandidate, is_usable, parse

MOST = 64
TOO_MANY = 429
BAD_REQUEST = 400

Trouble = Callable[[str, int], None]
Use = Callable[[Candidate], None]


class RemoteCandidates:
    """Waits with them until somebody can use them; takes no more than `MOST`."""

    def __init__(self, trouble: Trouble) -> None:
        self._trouble = trouble
        self._waiting: list[tuple[Candidate, AddCandidate | None]] = []
        self._use: Use | None = None
        self._stream: tuple[str, int] = ("", 0)
        self._allows_ipv6 = False
        self._count = 0

    def add(self, effect: AddCandidate) -> None:
        """One that was sent apart."""
        if not effect.candidate.strip():
            return
        try:
            self._put(parse(effect.candidate), effect)
        except BadCandidate as error:
            self._trouble(str(error), BAD_REQUEST)

    def open(
        self,
        offered: tuple[Candidate, ...],
        mid: str,
        index: int,
        *,
        allows_ipv6: bool,
        use: Use,
    ) -> None:
        """The offer is known, with the addresses in it, and where its audio stands."""
        self._stream, self._allows_ipv6, self._use = (mid, index), allows_ipv6, use
        waiting, self._waiting = self._waiting, []
        for candidate in offered:
            self._put(candidate, None)
        for candidate, effect in waiting:
            self._pass(candidate, effect)

    def close(self) -> None:
        """Nobody uses them any more."""
        self._use = None
        self._waiting.clear()

    def _put(self, candidate: Candidate, effect: AddCandidate | None) -> None:
        self._count += 1
        if self._count > MOST:
            if self._count == MOST + 1:
                sentence = f"more than {MOST} candidates: the rest is not used"
                self._trouble(sentence, TOO_MANY)
        elif self._use is None:
            self._waiting.append((candidate, effect))
        else:
            self._pass(candidate, effect)

    def _pass(self, candidate: Candidate, effect: AddCandidate | None) -> None:
        is_ours = effect is None or self._is_ours(effect)
        usable = is_usable(candidate, allows_ipv6=self._allows_ipv6)
        if is_ours and usable and self._use is not None:
            self._use(candidate)

    def _is_ours(self, effect: AddCandidate) -> bool:
        """Or of video, say, which was refused."""
        mid, index = self._stream
        if effect.sdp_mid:
            return effect.sdp_mid == mid
        return effect.sdp_m_line_index in (None, index)
