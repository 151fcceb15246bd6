"""What earlier releases have stored is read as they meant it, and always will be."""

import json
from pathlib import Path
from typing import Any

import pytest

from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.protocol.envelope import CURRENT, OLDEST_READ
from infra import wiring
from tests.adapters.golden.kinds import KINDS, plain

FOLDER = Path(__file__).parent / "golden"
FILES = [
    path
    for version in range(OLDEST_READ, CURRENT + 1)
    for path in sorted((FOLDER / f"v{version}").glob("*.json"))
]
COUNTERS = ("LANE#", "RATE#", "TALLY#")
"""How the keys begin of items that only count: they have no shape that could change."""


def is_within(recorded: Any, found: Any) -> bool:
    """A later release may read more out of an item, and never less."""
    if isinstance(recorded, dict) and isinstance(found, dict):
        return all(
            key in found and is_within(value, found[key])
            for key, value in recorded.items()
        )
    if isinstance(recorded, list) and isinstance(found, list):
        pairs = zip(recorded, found, strict=False)
        return len(recorded) == len(found) and all(is_within(*pair) for pair in pairs)
    return bool(recorded == found)


@pytest.mark.parametrize(
    "path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_read_what_was_stored(path: Path, table: type[Row], dynamodb: Any) -> None:
    recorded = json.loads(path.read_text(encoding="utf-8"))
    for item in recorded["items"]:
        dynamodb.put_item(TableName=wiring.TABLE.name, Item=item)
    assert is_within(recorded["read"], plain(KINDS[path.stem].read(table)))


def test_every_kind_was_recorded() -> None:
    recorded = {path.stem for path in FILES if path.parent.name == f"v{CURRENT}"}
    assert recorded == set(KINDS), "run `python -m tests.adapters.golden`"


@pytest.mark.parametrize("name", KINDS)
def test_every_item_says_its_version(name: str, table: type[Row]) -> None:
    KINDS[name].write(table)
    for row in table.scan():
        said = json.loads(row.body)["v"] if row.body else row.v
        assert said == CURRENT or _counts(row), (row.pk, row.sk)


def _counts(row: Row) -> bool:
    return row.pk.startswith(COUNTERS) or row.sk.startswith(COUNTERS)
