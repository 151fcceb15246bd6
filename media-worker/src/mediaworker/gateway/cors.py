"""Which pages may read what the port answers: its own origin has none."""

from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Middleware

from mediaworker.gateway.errors import Handler

ANY = "*"
METHODS = "GET, HEAD, POST"
# Browsers do not take ``*`` to mean the Authorization header.
ALLOWED_HEADERS = "*, authorization"
EXPOSED_HEADERS = "retry-after"
MAX_AGE_SECONDS = 3_600


class Cors:
    """A request carries its own token, and no cookie, so any origin may be allowed."""

    def __init__(self, origins: frozenset[str]) -> None:
        """``*`` among them is any; none at all switches it off."""
        self._origins = origins

    def add_to(self, application: web.Application) -> None:
        """Preflights are answered, and every other answer is marked, streams too."""
        application.middlewares.insert(0, self._middleware())
        application.on_response_prepare.append(self._mark)

    def _middleware(self) -> Middleware:
        @web.middleware
        async def preflights(
            request: web.Request, handler: Handler
        ) -> web.StreamResponse:
            if not is_preflight(request):
                return await handler(request)
            response = web.Response(status=204)
            response.force_close()
            if self._allowed(request):
                response.headers["Access-Control-Allow-Methods"] = METHODS
                response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
                response.headers["Access-Control-Max-Age"] = str(MAX_AGE_SECONDS)
            return response

        return preflights

    async def _mark(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(self._allowed(request))

    def _allowed(self, request: web.Request) -> Mapping[str, str]:
        origin = request.headers.get("Origin")
        exposed = {"Access-Control-Expose-Headers": EXPOSED_HEADERS}
        if origin is None:
            return {}
        if ANY in self._origins:
            return {"Access-Control-Allow-Origin": ANY, **exposed}
        if origin in self._origins:
            return {"Access-Control-Allow-Origin": origin, "Vary": "Origin", **exposed}
        return {}


def is_preflight(request: web.Request) -> bool:
    return (
        request.method == "OPTIONS"
        and "Origin" in request.headers
        and "Access-Control-Request-Method" in request.headers
    )
