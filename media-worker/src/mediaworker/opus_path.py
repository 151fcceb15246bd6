"""Where libopus is: the one that came with PyAV, else the system's."""

from importlib.util import find_spec
from pathlib import Path

SYSTEM = "libopus.so.0"


def opus_paths() -> tuple[str, ...]:
    """The best first; for `mediaworker.audio.opus.OpusLibrary`."""
    return (*_beside_pyav(), SYSTEM)


def _beside_pyav() -> list[str]:
    spec = find_spec("av")
    if spec is None or spec.origin is None:
        return []
    libraries = Path(spec.origin).parent.parent / "av.libs"
    return sorted(str(path) for path in libraries.glob("libopus-*.so*"))
