"""Who asks at AWS, and the signatures for it: by botocore, in a thread.

botocore is imported when a provider of AWS is first used. Credentials are the option's
own, else those of the environment, or of the task's role, which ECS gives out.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from chalicelib.protocol.session.speech import SynthesisOption, TranscriptionOption
from mediaworker.speech.ports import Failure
from mediaworker.speech.providers.addresses import as_web, located
from mediaworker.speech.providers.registry import no_credentials

if TYPE_CHECKING:
    from botocore.credentials import Credentials, ReadOnlyCredentials

T = TypeVar("T")
Option = SynthesisOption | TranscriptionOption

REGION = re.compile(r"[a-z]{2}(-[a-z0-9]{1,16}){1,4}", re.ASCII)
REGION_KEY, TOKEN_KEY = "region", "sessionToken"
OWN_KEYS = frozenset({REGION_KEY, TOKEN_KEY})
"""Of an option's ``extra``, which are no parameters of a service."""
SIGN_SECONDS = 10.0
URL_SECONDS = 300
"""For how long a signed URL may be used; no service takes a longer time."""
BAD_REQUEST, BAD_GATEWAY, TIMED_OUT = 400, 502, 504


@dataclass(frozen=True, slots=True)
class Service:
    """One of AWS, as a signature names it."""

    name: str
    host: str
    """In front of the region."""
    port: str = ""


class Identity:
    """Signs for one provider; every failure is a `Failure`."""

    def __init__(
        self, provider: str, service: Service, environment: Mapping[str, str]
    ) -> None:
        self._provider = provider
        self._service = service
        self._environment = dict(environment)
        self._credentials: Credentials | None = None

    async def signed_url(
        self, option: Option, path: str, query: Mapping[str, str]
    ) -> str:
        """For a GET of nothing, within five minutes."""

        def sign(url: str, region: str, who: "ReadOnlyCredentials") -> str:
            from botocore.auth import SigV4QueryAuth
            from botocore.awsrequest import AWSRequest

            request = AWSRequest(method="GET", url=url, params=dict(query))
            service = self._service.name
            SigV4QueryAuth(who, service, region, expires=URL_SECONDS).add_auth(request)
            return str(request.url)

        return await self._aside(lambda: self._sign(option, path, sign))

    async def signed_post(
        self, option: Option, path: str, body: bytes
    ) -> tuple[str, dict[str, str]]:
        """A URL, and the headers for a POST of that JSON."""

        def sign(
            url: str, region: str, who: "ReadOnlyCredentials"
        ) -> tuple[str, dict[str, str]]:
            from botocore.auth import SigV4Auth
            from botocore.awsrequest import AWSRequest

            headers = {"Content-Type": "application/json"}
            request = AWSRequest(method="POST", url=url, data=body, headers=headers)
            SigV4Auth(who, self._service.name, region).add_auth(request)
            return url, dict(request.headers.items())

        return await self._aside(lambda: self._sign(option, path, sign))

    async def _aside(self, work: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(SIGN_SECONDS):
                return await asyncio.to_thread(work)
        except TimeoutError:
            sentence = "the credentials did not come in time"
            raise Failure(sentence, TIMED_OUT) from None

    def _sign(
        self,
        option: Option,
        path: str,
        sign: Callable[[str, str, "ReadOnlyCredentials"], T],
    ) -> T:
        """In a thread."""
        from botocore.exceptions import BotoCoreError

        try:
            who = self._who(option).get_frozen_credentials()
            region = self._region(option)
            return sign(self._url(option, region, path), region, who)
        except (BotoCoreError, LookupError, OSError, ValueError):
            raise Failure("the credentials cannot be had", BAD_GATEWAY) from None

    def _who(self, option: Option) -> "Credentials":
        from botocore.credentials import (
            ContainerProvider,
            CredentialResolver,
            Credentials,
            EnvProvider,
        )

        if option.secret_id and option.secret_key:
            token = _text(option, TOKEN_KEY)
            return Credentials(option.secret_id, option.secret_key, token or None)
        if self._credentials is None:
            providers: list[Any] = [
                EnvProvider(environ=self._environment),
                ContainerProvider(environ=self._environment),
            ]
            self._credentials = CredentialResolver(providers).load_credentials()
        if self._credentials is None:
            raise no_credentials(self._provider)
        return self._credentials

    def _region(self, option: Option) -> str:
        names = ("AWS_REGION", "AWS_DEFAULT_REGION")
        ours = (self._environment.get(name, "") for name in names)
        found = next(filter(None, (_text(option, REGION_KEY), *ours)), "")
        if not REGION.fullmatch(found):
            raise Failure("no region of AWS is named", BAD_REQUEST)
        return found

    def _url(self, option: Option, region: str, path: str) -> str:
        """At the endpoint that the option names, if it names one."""
        if option.endpoint is not None:
            return as_web(located(option.endpoint, path, ()))
        domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        return (
            f"https://{self._service.host}.{region}.{domain}{self._service.port}{path}"
        )


def parameters(option: Option) -> dict[str, Any]:
    """What of the option's ``extra`` is for the service."""
    extra = option.extra or {}
    return {name: value for name, value in extra.items() if name not in OWN_KEYS}


def _text(option: Option, name: str) -> str:
    value = (option.extra or {}).get(name)
    return value if isinstance(value, str) else ""
