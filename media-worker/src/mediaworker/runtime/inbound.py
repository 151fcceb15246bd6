"""Audio that a socket brought and nobody has heard yet, a frame for each slot.

Applications send in frames of 20 ms, or in pieces of many, and no clock of theirs is
ours. What waits only because pieces are long is waited for; what never gets less is
delay, and is made up for by hearing two frames in a slot.
"""

from typing import Protocol

STARVED_SLOTS = 3
"""Who sent nothing for so long is silent."""
WATCHED_SLOTS = 25
"""How long it is watched what never gets less."""
MOST_BEHIND_FRAMES = 10
"""So many waiting are too many, for whatever reason."""
FRAMES_A_SECOND = 50
MOST_SECONDS = 10
"""Of audio that waits; what is older is dropped."""


class Store(Protocol):
    """Audio in the order in which it came, and in frames."""

    @property
    def frames(self) -> int:
        """How many whole ones wait."""

    def put(self, payload: bytes) -> int:
        """How many frames, the oldest, were dropped because it was too much."""

    def pop(self) -> bytes | None:
        """The oldest; None when there is no whole one."""


class Octets:
    """Pieces of any length, one after the other."""

    def __init__(self, size: int) -> None:
        """Of a frame, in bytes."""
        self._size = size
        self._waiting = bytearray()

    @property
    def frames(self) -> int:
        return len(self._waiting) // self._size

    def put(self, payload: bytes) -> int:
        self._waiting += payload
        excess = len(self._waiting) - MOST_SECONDS * FRAMES_A_SECOND * self._size
        frames = max(0, -(-excess // self._size))
        del self._waiting[: frames * self._size]
        return frames

    def pop(self) -> bytes | None:
        size = self._size
        if len(self._waiting) < size:
            return None
        frame = bytes(self._waiting[:size])
        del self._waiting[:size]
        return frame


class Inbound:
    """One session's, in frames of its wire."""

    def __init__(self, silence: bytes, store: Store | None = None) -> None:
        """``silence`` is a frame of it; without a store, pieces are as on the wire."""
        self.silence = silence
        self._store = Octets(len(silence)) if store is None else store
        self._starved = 0
        self._watched = 0
        self._least = MOST_BEHIND_FRAMES
        self._surplus = 0

    def push(self, payload: bytes) -> int:
        """How many frames, the oldest, were dropped because it was too much."""
        return self._store.put(payload)

    def take(self) -> bytes | None:
        """The slot's frame; silence for who is silent, None for who is only late."""
        frame = self._store.pop()
        if frame is None:
            self._starved += 1
            self._watch(0)
            return None if self._starved <= STARVED_SLOTS else self.silence
        self._starved = 0
        self._watch(self._store.frames)
        return frame

    def take_more(self) -> bytes | None:
        """A second frame for the slot of one that has fallen behind."""
        if not self._surplus and self._store.frames <= MOST_BEHIND_FRAMES:
            return None
        self._surplus = max(0, self._surplus - 1)
        return self._store.pop()

    @property
    def is_silent(self) -> bool:
        """The last frame was made up."""
        return self._starved > STARVED_SLOTS

    def _watch(self, left: int) -> None:
        self._least = min(self._least, left)
        self._watched += 1
        if self._watched == WATCHED_SLOTS:
            self._surplus = self._least
            self._least = MOST_BEHIND_FRAMES
            self._watched = 0
