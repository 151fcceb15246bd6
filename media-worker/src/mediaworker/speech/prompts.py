"""Files that were played before, decoded, at the rate of those who heard them."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from mediaworker.speech.freshness import FRESH_SECONDS, Version

MEMORY_BYTES = 48 << 20
ENTRY_BYTES = 4 << 20
"""What is longer is not kept: four minutes at 8 kHz, two at 16 kHz."""
SOON_BYTES = 1 << 19
"""Of a file that will be whole soon: nobody waits for a longer one."""
FOLLOW_SECONDS = 2.0
"""How long one waits for another who downloads the same."""
GATHERED_BYTES = 64 << 20
"""Of all that are being downloaded; what is more is played and not kept."""

Key = tuple[str, str, int]
"""A tenant, a URL and a rate."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A whole file, at a job's rate."""

    samples: bytes = field(repr=False)
    version: Version
    fresh_until: float


class Prompts:
    """The latest that were used. Lives on the loop; two tenants never share one."""

    def __init__(
        self, clock: Callable[[], float], most_bytes: int = MEMORY_BYTES
    ) -> None:
        self._clock = clock
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Key, Prompt] = OrderedDict()
        self._size = 0
        self._underway: dict[Key, Gathering] = {}
        self.gathered = 0
        """Bytes of files that are not whole yet."""

    def find(self, key: Key) -> Prompt | None:
        """Whether it is fresh or stale."""
        prompt = self._kept.get(key)
        if prompt is not None:
            self._kept.move_to_end(key)
        return prompt

    async def fresh(self, key: Key) -> Prompt | None:
        """Perhaps once another has it; None when its server is to be asked."""
        prompt = self._fresh(key)
        try:
            async with asyncio.timeout(FOLLOW_SECONDS):
                while prompt is None and (other := self._underway.get(key)):
                    if other.is_long:
                        break
                    await other.settled.wait()
                    prompt = self._fresh(key)
        except TimeoutError:
            return None
        return prompt

    def keep(self, key: Key, samples: bytes, version: Version) -> None:
        """In the place of what was there; not what its server forbids to keep."""
        self.forget(key)
        if version.fresh_seconds is None:
            return
        fresh_until = self._clock() + version.fresh_seconds
        self._kept[key] = Prompt(samples, version, fresh_until)
        self._size += len(samples)
        while self._size > self._most_bytes:
            self.forget(next(iter(self._kept)))

    def renew(self, key: Key, prompt: Prompt, seconds: int | None) -> None:
        """It is still the same, and good for so long again."""
        version = replace(prompt.version, fresh_seconds=seconds)
        self.keep(key, prompt.samples, version)

    def trust(self, key: Key, prompt: Prompt) -> None:
        """Nobody can be asked: it is good for a while."""
        self.renew(key, prompt, FRESH_SECONDS)

    def forget(self, key: Key) -> None:
        prompt = self._kept.pop(key, None)
        if prompt is not None:
            self._size -= len(prompt.samples)

    def gather(self, key: Key) -> "Gathering":
        """Of a file that is to be kept once it is whole; others may wait for it."""
        gathering = Gathering(self, key)
        self._underway.setdefault(key, gathering)
        return gathering

    def end(self, key: Key, gathering: "Gathering") -> None:
        """Nobody waits for it any more."""
        if self._underway.get(key) is gathering:
            del self._underway[key]

    def _fresh(self, key: Key) -> Prompt | None:
        prompt = self.find(key)
        is_fresh = prompt is not None and self._clock() < prompt.fresh_until
        return prompt if is_fresh else None


class Gathering:
    """What has come of one, until it is too much."""

    def __init__(self, prompts: Prompts, key: Key) -> None:
        self._prompts = prompts
        self._key = key
        self._samples = bytearray()
        self._is_given_up = False
        self.is_long = False
        """It will not be whole soon, or never be kept."""
        self.settled = asyncio.Event()
        """It is kept, or there is no use in waiting for it."""

    def add(self, samples: bytes) -> None:
        if self._is_given_up:
            return
        self._samples += samples
        self._prompts.gathered += len(samples)
        is_much = self._prompts.gathered > GATHERED_BYTES
        if is_much or len(self._samples) > ENTRY_BYTES:
            self.give_up()
        elif len(self._samples) > SOON_BYTES:
            self._settle()

    def give_up(self) -> None:
        """It is not to be kept. Again: nothing."""
        self._prompts.gathered -= len(self._samples)
        self._samples.clear()
        self._is_given_up = True
        self._settle()

    def end(self) -> None:
        """Whatever became of it, this is called."""
        self.give_up()
        self._prompts.end(self._key, self)

    def whole(self) -> bytes | None:
        """All of it; None when it is not to be kept."""
        return None if self._is_given_up else bytes(self._samples)

    def _settle(self) -> None:
        self.is_long = True
        self.settled.set()
