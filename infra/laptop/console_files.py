"""The console's static files, as S3 and CloudFront serve them in the cloud."""

import mimetypes
from pathlib import Path

from infra import page_headers

INDEX = "index.html"
LOOPBACK = (
    *("http://127.0.0.1:*", "ws://127.0.0.1:*"),
    *("http://localhost:*", "ws://localhost:*"),
)
"""Where the worker's port may be; the cloud's pages name their worker's address."""
HEADERS = {
    "cache-control": page_headers.REVALIDATED,
    "content-security-policy": page_headers.content_policy(LOOPBACK),
    "permissions-policy": page_headers.PERMISSIONS,
    "x-content-type-options": "nosniff",
    "referrer-policy": page_headers.REFERRER,
}


class ConsoleFiles:
    """Finds files below one folder, and nothing outside it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def find(self, path: str) -> Path | None:
        """The file that the URL's decoded ``path`` names, if there is one."""
        try:
            # Resolved, so that neither ``..`` nor a link leads out of the folder.
            file = (self._folder / (path.lstrip("/") or INDEX)).resolve()
            is_ours = file.is_relative_to(self._folder) and file.is_file()
        except (OSError, ValueError, RuntimeError):
            # Too long, a NUL byte, a ring of links: the name of no file.
            return None
        return file if is_ours else None


def content_type(file: Path) -> str:
    """With the charset that all of our text has."""
    guessed = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    is_text = guessed.startswith("text/") or guessed.endswith(("javascript", "json"))
    return f"{guessed}; charset=utf-8" if is_text else guessed
