"""The pages that are made of the code say what the code says, and nothing else."""

import re
from pathlib import Path

import pytest

from infra import cdk_app
from infra.components.console_options import PRICE_CLASS, WEB_ACL_ARN
from infra.components.domain import DOMAIN_KEYS
from infra.components.fleet_options import FLEET_KEYS
from infra.reference import pages, reading
from infra.reference.variables import CONTEXT, SECTIONS, Variable
from infra.wiring import ROOT

TOLD = [variable for section in SECTIONS for variable in section.variables]
MAKE = "run `make docs`"


@pytest.fixture(scope="module")
def read() -> dict[str, reading.Read]:
    return reading.variables()


def test_every_variable_that_is_read_is_told(read: dict[str, reading.Read]) -> None:
    missing = read.keys() - {variable.name for variable in TOLD}
    assert not missing, (
        "say what each means in infra/reference/variables.py, or in NOT_READ of "
        "reading.py that it is no variable"
    )


def test_every_variable_that_is_told_is_read(read: dict[str, reading.Read]) -> None:
    assert not {variable.name for variable in TOLD} - read.keys()
    assert len({variable.name for variable in TOLD}) == len(TOLD)


@pytest.mark.parametrize("variable", TOLD, ids=lambda variable: variable.name)
def test_variable_has_a_default_and_bounds(
    variable: Variable, read: dict[str, reading.Read]
) -> None:
    found = read[variable.name]
    assert variable.what and "|" not in variable.what
    assert pages.default_of(variable, found) != "None", "no default in the code"
    assert pages.allowed_of(variable, found)


def test_whole_numbers_are_read_from_the_code(read: dict[str, reading.Read]) -> None:
    found = read["PARLEY_MAX_PARTICIPANTS"]
    assert (found.default, found.bounds) == (32, (2, 90))
    assert found.readers == {reading.CONTROL}
    assert read["PARLEY_EDGE_DRAIN_SECONDS"].readers == {reading.EDGE}
    assert read["PARLEY_JWT_SECRET"].readers == {
        reading.CONTROL,
        reading.EDGE,
        reading.LAPTOP,
        reading.WORKER,
    }


def test_secrets_are_those_that_are_never_shown() -> None:
    looks = re.compile(r"SECRET(_KEY)?$|_ACCESS_KEY$|TOKEN$")
    secrets = {variable.name for variable in TOLD if variable.is_secret}
    assert {one.name for one in TOLD if looks.search(one.name)} <= secrets


def test_context_is_what_deployments_take() -> None:
    own = {"target", "bundle", "push_sns_apps", "table_stream_arn"}
    known = {*own, *DOMAIN_KEYS, *FLEET_KEYS, PRICE_CLASS, WEB_ACL_ARN}
    assert {key.name for key in CONTEXT} == known
    assert all(f"{name}=" in str(cdk_app.__doc__) for name in own - {"push_sns_apps"})


@pytest.mark.parametrize(
    "name",
    [pages.CONFIGURATION, pages.COSTS, pages.PROTOCOL, pages.PROTOCOL_SCHEMA],
)
def test_page_is_as_the_code_makes_it(name: str) -> None:
    stands = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert stands == pages.pages()[name], MAKE


def test_page_without_its_marks_is_not_overwritten() -> None:
    with pytest.raises(ValueError, match="marks"):
        pages.with_table("# Costs\n")


def test_pages_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    costs = (ROOT / "docs" / pages.COSTS).read_text(encoding="utf-8")
    monkeypatch.setattr(pages, "DOCS", tmp_path)
    monkeypatch.setattr(pages, "pages", lambda: {pages.COSTS: costs})
    assert pages.main() == 0
    assert (tmp_path / pages.COSTS).read_text(encoding="utf-8") == costs
    assert capsys.readouterr().out == "docs/costs.md\n"
