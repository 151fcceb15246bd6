"""Where libsndfile is: in the wheel of the package ``soundfile``."""

from importlib.util import find_spec
from pathlib import Path

FOLDER = "_soundfile_data"
NAMES = ("libsndfile*.so", "libsndfile*.dylib")


def libsndfile() -> Path | None:
    """None where the package is not installed; nothing of it is imported."""
    spec = find_spec(FOLDER)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    found = [path for name in NAMES for path in folder.glob(name)]
    return found[0] if found else None
