"""How to enter a call's media, as every dialect tells it beside its own fields."""

from typing import Any

from chalicelib.services.ports import JoinCredentials


def render_media(credentials: JoinCredentials) -> dict[str, Any]:
    """Of the call's own provider, whichever fields the dialect itself has.

    ``roomId`` is a number where the provider's rooms have numbers (TRTC). ``error``
    is there only when the provider cannot be entered, and says why.
    """
    problem = {"error": credentials.problem} if credentials.problem else {}
    return {
        "provider": credentials.provider,
        "url": credentials.url,
        "token": credentials.token,
        "roomId": credentials.room,
        **credentials.more,
        **problem,
    }
