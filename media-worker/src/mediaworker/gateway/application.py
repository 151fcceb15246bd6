"""The routes of the worker's HTTP port."""

from aiohttp import web

from mediaworker.gateway.errors import refusals_as_json
from mediaworker.worker import Worker


def application_of(worker: Worker) -> web.Application:
    """An application that speaks for ``worker``."""

    async def health(request: web.Request) -> web.Response:
        return web.json_response(worker.health().render())

    application = web.Application(middlewares=[refusals_as_json])
    application.router.add_get("/health", health)
    return application
