"""How big the cloud's bundle is as the zip that Lambda is given."""

import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measurement import Measurement, Progress
from infra import bundle

MB = 1024 * 1024


def measure(progress: Progress) -> Measurement:
    """The bundle is built if it is not there."""
    progress("building the cloud's bundle")
    folder = bundle.build(bundle.Target.CLOUD)
    files = [path for path in folder.rglob("*") if path.is_file()]
    compiled = sum(path.suffix == ".pyc" for path in files)
    unpacked = sum(path.stat().st_size for path in files)
    packed = zipped_bytes(folder)
    return Measurement(
        values={"zip_size": packed / MB},
        details=[
            f"{len(files)} files, {compiled} of them byte code; "
            f"{unpacked / MB:.1f} MB unpacked"
        ],
        raw={"zip": packed, "unpacked": unpacked, "files": len(files)},
    )


def zipped_bytes(folder: Path) -> int:
    """Of all that is below the folder, deflated."""
    with TemporaryDirectory() as place:
        archive = Path(place) / "bundle.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            for path in sorted(folder.rglob("*")):
                file.write(path, path.relative_to(folder))
        return archive.stat().st_size
