"""What the HTTP API says to browsers of other origins, before and after the call."""

from collections.abc import Mapping

from infra.parts import Cors


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """API Gateway answers these itself; the function never hears of them."""
    return (
        method == "OPTIONS"
        and "origin" in headers
        and "access-control-request-method" in headers
    )


def preflight_headers(cors: Cors, origin: str) -> dict[str, str]:
    """The headers of the 204; none for an origin that may not call."""
    allowed = response_headers(cors, origin)
    if not allowed:
        return {}
    return allowed | {
        "access-control-allow-methods": ",".join(cors.allow_methods),
        "access-control-allow-headers": ",".join(cors.allow_headers),
        "access-control-max-age": str(cors.max_age_seconds),
    }


def response_headers(cors: Cors, origin: str | None) -> dict[str, str]:
    """Put on every answer to a request with an origin, in place of the function's."""
    if origin is None:
        return {}
    if "*" in cors.allow_origins:
        return {"access-control-allow-origin": "*"}
    if origin in cors.allow_origins:
        return {"access-control-allow-origin": origin, "vary": "origin"}
    return {}
