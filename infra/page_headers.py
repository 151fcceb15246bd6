"""What a browser is told beside the console's pages, on a laptop and in the cloud."""

from collections.abc import Iterable

PERMISSIONS = "microphone=(self), camera=(self), geolocation=()"
REFERRER = "no-referrer"
"""A page's address may have brought a token."""
REVALIDATED = "no-cache"
"""Kept, but asked for again each time: files have the same names in every release."""


def content_policy(connect: Iterable[str]) -> str:
    """The content security policy of pages that also speak to what ``connect`` names:
    CSP sources, beside the pages' own origin."""
    return "; ".join(
        (
            "default-src 'self'",
            " ".join(("connect-src 'self'", *connect)),
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
