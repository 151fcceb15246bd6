"""How to enter a call's media, as every dialect tells it beside its own fields."""

from chalicelib.services.media import render_media

__all__ = ["render_media"]
