"""How big DynamoDB takes an item to be, and how many units that is.

The rules are those of "DynamoDB item sizes and formats" and "read and write
consumption" in its developer guide.
"""

from collections.abc import Mapping
from math import ceil
from typing import Any

Value = Mapping[str, Any]
Item = Mapping[str, Value]

WRITE_UNIT_BYTES = 1024
READ_UNIT_BYTES = 4096
CONTAINER_BYTES = 3
"""Of a list or a map, beside its elements."""
ELEMENT_BYTES = 1
STORAGE_OVERHEAD_BYTES = 100
"""Of every stored item and index entry; units do not know it."""

EVENTUAL, CONSISTENT, TRANSACTIONAL = 0.5, 1.0, 2.0
"""What one 4 KB of a read costs."""


def item_bytes(item: Item) -> int:
    """Names and values."""
    return sum(_name_bytes(name) + value_bytes(value) for name, value in item.items())


def value_bytes(value: Value) -> int:
    """One value in DynamoDB's JSON, ``{"S": "…"}``."""
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return number_bytes(content)
        case "B":
            return binary_bytes(content)
        case "BOOL" | "NULL":
            return 1
        case "SS" | "NS" | "BS":
            return sum(value_bytes({kind[0]: element}) for element in content)
        case "L":
            elements = sum(ELEMENT_BYTES + value_bytes(one) for one in content)
            return CONTAINER_BYTES + elements
        case "M":
            return CONTAINER_BYTES + len(content) * ELEMENT_BYTES + item_bytes(content)
    raise ValueError(f"DynamoDB has no type {kind}")


def number_bytes(text: str) -> int:
    """A byte for every two significant digits, and one."""
    mantissa = text.lower().partition("e")[0].lstrip("+-")
    digits = mantissa.replace(".", "").strip("0")
    return ceil(len(digits) / 2) + 1


def binary_bytes(base64_text: str) -> int:
    """The raw bytes behind base64."""
    return len(base64_text) // 4 * 3 - base64_text.count("=")


def write_units(size: int) -> int:
    """Of an item that is, or was, so big; what is not there costs one too."""
    return max(1, ceil(size / WRITE_UNIT_BYTES))


def read_units(size: int, consistency: float) -> float:
    """Of one item, or of all that a query has read."""
    return max(1, ceil(size / READ_UNIT_BYTES)) * consistency


def _name_bytes(name: str) -> int:
    return len(name.encode())
