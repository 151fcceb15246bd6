"""What goes wrong on the way to a provider, in sentences without addresses."""

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

from mediaworker.speech.guard import BAD_GATEWAY, TIMED_OUT
from mediaworker.speech.ports import Failure

BAD_REQUEST, TOO_LARGE = 400, 413


async def unredirected(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """A socket's opening would be sent on to wherever the answer says."""
    response = await handler(request)
    if 300 <= response.status < 400:
        response.close()
        raise answered(response.status)
    return response


@contextmanager
def failures() -> Iterator[None]:
    """Whatever the network raises becomes a `Failure`."""
    try:
        yield
    except Failure:
        raise
    except Exception as error:
        known = _known(error)
        if known is None:
            raise
        raise known from None


def _known(error: Exception) -> Failure | None:
    match error:
        case aiohttp.WSServerHandshakeError():
            return answered(error.status)
        case aiohttp.ClientConnectorCertificateError():
            return Failure("the provider's certificate is not valid", BAD_GATEWAY)
        case aiohttp.ClientSSLError():
            return Failure("the provider does not speak TLS properly", BAD_GATEWAY)
        case TimeoutError():
            return Failure("the provider did not answer in time", TIMED_OUT)
        case aiohttp.ClientConnectorError():
            return Failure("the provider cannot be reached", BAD_GATEWAY)
        case aiohttp.ClientError() | OSError():
            return Failure("the connection was lost", BAD_GATEWAY)
        case ValueError():
            return Failure("the request cannot be sent", BAD_REQUEST)
    return None


def answered(status: int) -> Failure:
    """What a refusal by HTTP is called."""
    if 300 <= status < 400:
        sentence = "the provider redirects, and that is not followed"
        return Failure(sentence, BAD_GATEWAY)
    code = status if 400 <= status < 500 else BAD_GATEWAY
    return Failure(f"the provider answered {status}", code)


def too_much() -> Failure:
    return Failure("the provider sent too much", TOO_LARGE)
