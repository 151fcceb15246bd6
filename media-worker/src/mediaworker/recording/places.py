"""Files below a folder, and never outside of it, whatever a name or a link says."""

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

MOST_OF_A_NAME = 1_000
FOLDER_MODE, FILE_MODE = 0o750, 0o640
INTO = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
MORE = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC


class Outside(OSError):
    """The path leads out of the folder, or through a link."""


def create(root: Path, path: str) -> tuple[int, str]:
    """A file that was not there, for reading and writing, and its path below the root.

    It is called otherwise where that is taken: ``a-2.wav`` for ``a.wav``. Raises
    OSError, which an `Outside` is.
    """
    folder = _folder(root, path)
    try:
        for name in names(PurePosixPath(path).name):
            with suppress(FileExistsError):
                descriptor = os.open(name, NEW, FILE_MODE, dir_fd=folder)
                return descriptor, str(PurePosixPath(path).with_name(name))
    finally:
        os.close(folder)
    raise FileExistsError(f"there are {MOST_OF_A_NAME} files of that name already")


def append(root: Path, path: str) -> int:
    """A file to be written on at its end. Raises OSError, which an `Outside` is."""
    folder = _folder(root, path)
    try:
        return os.open(PurePosixPath(path).name, MORE, FILE_MODE, dir_fd=folder)
    except OSError as error:
        raise Outside(f"{path} is a link") if _is_loop(error) else error from None
    finally:
        os.close(folder)


def names(name: str) -> Iterator[str]:
    """The name, and what it is changed to where it is taken, one after the other."""
    yield name
    suffix = ".events.jsonl" if name.endswith(".events.jsonl") else Path(name).suffix
    stem = name.removesuffix(suffix)
    for number in range(2, MOST_OF_A_NAME + 1):
        yield f"{stem}-{number}{suffix}"


def _folder(root: Path, path: str) -> int:
    """The one that the path's file is in, made where it is missing."""
    parts = PurePosixPath(path).parts
    if not parts or ".." in parts or path.startswith("/"):
        raise Outside(f"{path} leads out of the folder")
    root.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
    folder = os.open(root, INTO & ~os.O_NOFOLLOW)
    for part in parts[:-1]:
        folder = _step(folder, part)
    return folder


def _step(folder: int, part: str) -> int:
    try:
        with suppress(FileExistsError):
            os.mkdir(part, FOLDER_MODE, dir_fd=folder)
        return os.open(part, INTO, dir_fd=folder)
    except NotADirectoryError:
        raise Outside(f"{part} is a link or a file") from None
    except OSError as error:
        raise Outside(f"{part} is a link") if _is_loop(error) else error from None
    finally:
        os.close(folder)


def _is_loop(error: OSError) -> bool:
    return error.errno == errno.ELOOP
