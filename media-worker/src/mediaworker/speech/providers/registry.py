"""Which provider does what is asked, with whose credentials.

A provider's adapter is imported when it is first asked for. An application that names
an endpoint of its own brings its own credentials: those of the environment go only
where the operator's provider is.
"""

import importlib
import logging
from collections.abc import Mapping
from typing import Any, cast

from chalicelib.protocol.session.speech import SynthesisOption, TranscriptionOption
from mediaworker.speech.ports import Failure
from mediaworker.speech.providers.names import (
    CREDENTIALS,
    listener_of,
    speaker_of,
)
from mediaworker.speech.providers.net import Pool
from mediaworker.speech.providers.ports import Recognizer, Synthesizer

logger = logging.getLogger(__name__)

PACKAGE = "mediaworker.speech.providers"
UNAUTHORIZED, NOT_IMPLEMENTED = 401, 501

ENDPOINTS = {"voiceapi": "VOICEAPI_ENDPOINT"}
"""Variables that say where a provider of the operator's own stands: anywhere."""


def no_credentials(provider: str) -> Failure:
    """Neither the option nor the environment has them."""
    return Failure(f"the provider {provider} has no credentials", UNAUTHORIZED)


class Registry:
    """Adapters, each made once for the operator and once for those with endpoints."""

    def __init__(self, environment: Mapping[str, str], pool: Pool) -> None:
        self._environment = {
            name: value
            for name, value in environment.items()
            if name.startswith(CREDENTIALS)
        }
        self._pool = pool
        self._made: dict[tuple[str, bool], Any] = {}

    def synthesizer(self, option: SynthesisOption) -> Synthesizer | None:
        """None where the worker speaks itself; raises `Failure`."""
        name = speaker_of(option.provider)
        if name is None:
            return None
        return cast(Synthesizer, self._adapter(name, option.endpoint is not None))

    def recognizer(self, option: TranscriptionOption) -> Recognizer | None:
        """None where the worker listens itself; raises `Failure`."""
        name = listener_of(option.provider)
        if name is None:
            return None
        return cast(Recognizer, self._adapter(name, option.endpoint is not None))

    def _adapter(self, name: str, is_elsewhere: bool) -> Any:
        key = (name, is_elsewhere)
        if key not in self._made:
            self._made[key] = self._make(name, is_elsewhere)
        return self._made[key]

    def _make(self, name: str, is_elsewhere: bool) -> Any:
        try:
            module = importlib.import_module(f"{PACKAGE}.{name}")
        except ImportError:
            logger.exception("provider not imported", extra={"provider": name})
            sentence = f"the provider {name} is not available on this worker"
            raise Failure(sentence, NOT_IMPLEMENTED) from None
        if is_elsewhere:
            return module.make({}, self._pool.net())
        trusted = self._environment.get(ENDPOINTS.get(name, ""))
        return module.make(self._environment, self._pool.net(trusted))
