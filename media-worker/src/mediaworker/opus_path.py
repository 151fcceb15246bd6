"""Where libopus is: the system's, as in the image, else the one that PyAV has."""

from importlib.machinery import PathFinder
from pathlib import Path

SYSTEM = "libopus.so.0"


def opus_paths() -> tuple[str, ...]:
    """The first that loads is taken; for `mediaworker.audio.opus.OpusLibrary`."""
    return (SYSTEM, *_beside_pyav())


def _beside_pyav() -> list[str]:
    # Not `importlib.util.find_spec`, which believes what stands in for PyAV.
    spec = PathFinder.find_spec("av")
    if spec is None or spec.origin is None:
        return []
    libraries = Path(spec.origin).parent.parent / "av.libs"
    return sorted(str(path) for path in libraries.glob("libopus-*.so*"))
