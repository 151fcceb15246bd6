"""aiortc without PyAV, whose coders no call of ours uses: the audio is on our own path.

PyAV's wheel brings FFmpeg with x264 and x265, which are under the GPL, and weighs
100 MB. aiortc imports it all the same, so a worker's process gives it empty classes of
the same names, whether PyAV is installed or not.
"""

import sys
from collections.abc import MutableMapping
from types import ModuleType
from typing import Any, NoReturn

NAMES = {
    "av": ("AudioFrame", "AudioResampler", "CodecContext", "Packet", "VideoFrame"),
    "av.frame": ("Frame",),
    "av.packet": ("Packet",),
    "av.video": (),
    "av.video.codeccontext": ("VideoCodecContext",),
}
"""What aiortc takes as it is imported: module -> classes."""


class NoPyAV(RuntimeError):
    """A class of PyAV's was to be used, for which a worker has no use."""


class Absent:
    """Stands in an annotation or before ``isinstance``, and cannot be made."""

    def __init__(self, *_: Any, **__: Any) -> NoReturn:
        raise NoPyAV(f"{type(self).__name__} is PyAV's, which a worker does without")


def stand_in(modules: MutableMapping[str, ModuleType] = sys.modules) -> None:
    """Once in a worker's process, before aiortc is imported; afterwards it changes
    nothing, for aiortc has taken what it found."""
    if "aiortc" in modules or "av" in modules:
        return
    for name, classes in NAMES.items():
        module = ModuleType(name, "Not PyAV: see mediaworker.webrtc.without_pyav.")
        vars(module)["__path__"] = []
        vars(module).update({one: type(one, (Absent,), {}) for one in classes})
        modules[name] = module
