"""Where what nobody may read in the table is sealed before it goes there.

VaultFailed         nothing was sealed or opened; perhaps later
└── SealBroken      it was sealed by another key, for another thing, or not at all
"""

from collections.abc import Mapping
from typing import Protocol


class VaultFailed(Exception):
    """Nothing was sealed or opened; perhaps later."""


class SealBroken(VaultFailed):
    """It was sealed by another key, for another thing, or not at all: no later attempt
    will open it."""


class Vault(Protocol):
    """Seals texts, each for one thing that its context names."""

    def seal(self, plaintext: str, context: Mapping[str, str]) -> str:
        """Raises `VaultFailed`."""

    def open(self, sealed: str, context: Mapping[str, str]) -> str:
        """Of the same context only. Raises `VaultFailed`."""
