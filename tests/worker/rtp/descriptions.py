"""Session descriptions as real ones look, which the fuzzer begins with too."""

from fuzz.campaign import CORPUS
from mediaworker.rtp import sdp
from mediaworker.rtp.sdp import Media, SessionDescription

NAMES = sorted(path.stem for path in (CORPUS / "sdp").iterdir())


def text_of(name: str) -> str:
    text = (CORPUS / "sdp" / f"{name}.sdp").read_text()
    return text.replace("\n", "\r\n")


def described(name: str, *changes: tuple[str, str]) -> SessionDescription:
    """With each first text, which has to be there, changed into the second."""
    text = text_of(name)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return sdp.parse(text)


def audio_of(description: SessionDescription) -> Media:
    (media,) = (m for m in description.media if m.kind == "audio" and m.port)
    return media
