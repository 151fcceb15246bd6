"""What has been counted so far."""

import threading
from collections import Counter
from dataclasses import dataclass

from infra.costing.prices import Price


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the bill."""

    price: Price
    what: str
    amount: float

    @property
    def usd(self) -> float:
        return self.price.usd_of(self.amount)


class Tally:
    """Amounts by price and by what they were for; any thread may add."""

    def __init__(self) -> None:
        self._amounts: Counter[tuple[Price, str]] = Counter()
        self._uncounted: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, price: Price, what: str, amount: float = 1) -> None:
        with self._lock:
            # A Counter's values are not checked: here they are floats as well.
            self._amounts[price, what] += amount  # type: ignore[assignment]

    def miss(self, what: str) -> None:
        """AWS would bill for ``what``, and the meter does not know how."""
        with self._lock:
            self._uncounted[what] += 1

    @property
    def uncounted(self) -> dict[str, int]:
        with self._lock:
            return dict(self._uncounted)

    def lines(self) -> list[Line]:
        with self._lock:
            return [
                Line(price, what, amount)
                for (price, what), amount in self._amounts.items()
            ]

    def amount(self, price: Price, prefix: str = "") -> float:
        """All that was counted at ``price`` for what begins with ``prefix``."""
        return sum(
            line.amount
            for line in self.lines()
            if line.price == price and line.what.startswith(prefix)
        )
