"""Every line of the contract is proved by a test, and nothing else is."""

import json

import pytest

from chalicelib.protocol.session import schema
from conformance.cases import every
from infra.reference import coverage

LINES = coverage.contract()
PROOFS = coverage.proofs()
DEFINITIONS = schema.document()["$defs"]
NAMES = {"VADOption": "VadOption", "query": "SessionQuery"}
"""Of the contract, where our definitions have others."""
SETTLED = {"query.pingInterval": "20", "query.dump": "true"}
"""Defaults that are text, as all of a query is."""


def definition_of(line: str) -> str:
    """The name of the definition that has the line's field."""
    owner = line.rpartition(".")[0]
    kind, _, name = owner.rpartition(".")
    union = "Event" if kind == "event" else "Command"
    mapping = DEFINITIONS[union]["discriminator"]["mapping"]
    if name in mapping:
        return str(mapping[name]).rpartition("/")[2]
    return NAMES.get(owner, owner)


FIELDS = [
    line
    for line in LINES
    if definition_of(line.name) in DEFINITIONS and " " not in line.name
]


def test_lines_are_those_of_the_contract() -> None:
    names = [line.name for line in LINES]
    assert len(names) == len({*names}) == 241
    assert len(FIELDS) == 241 - 31


@pytest.mark.parametrize("line", [line.name for line in LINES])
def test_line_is_proved(line: str) -> None:
    tests = [one for one in PROOFS.get(line, ()) if not one.startswith(coverage.KIT)]
    assert tests, "no test has it in @pytest.mark.covers"


def test_nothing_is_proved_that_is_no_line() -> None:
    assert not PROOFS.keys() - {line.name for line in LINES}


def test_cases_of_the_kit_are_read_as_they_are() -> None:
    for case in every():
        for line in case.lines:
            assert coverage.KIT + case.name in PROOFS[line]


@pytest.mark.parametrize("line", FIELDS, ids=lambda line: line.name)
def test_field_is_ours_with_its_default(line: coverage.Line) -> None:
    definition = DEFINITIONS[definition_of(line.name)]
    key = line.name.rpartition(".")[2]
    field = definition["properties"][key]
    is_event = line.name.startswith("event.")
    assert (key in definition.get("required", ())) >= line.is_required
    if line.default and not is_event:
        wanted = SETTLED.get(line.name, json.loads(line.default))
        assert field["default"] == wanted


def test_table_has_no_empty_cell() -> None:
    rows = coverage.table().splitlines()
    assert len(rows) == len(LINES) + 2
    assert not [row for row in rows if row.endswith("|  |")]
