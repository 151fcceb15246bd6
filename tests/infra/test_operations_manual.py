"""The operations manual says what is there: alarms, routes, targets, numbers."""

import re

import pytest

from app import app
from chalicelib.adapters.dynamodb.erasure import KINDS, NAMELESS
from infra import wiring
from infra.alarms import ALARMS
from infra.costing import media
from infra.reference.variables import CONTEXT
from infra.wiring import ROOT
from tests.infra.synthesis import Synthesis

MANUAL = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
HEADINGS = re.findall(r"^#+ (.+)$", MANUAL, re.MULTILINE)


@pytest.mark.parametrize("alarm", ALARMS, ids=lambda alarm: alarm.name)
def test_every_alarm_has_its_section(alarm: object) -> None:
    name = getattr(alarm, "name", "")
    section = MANUAL.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
    assert len(section) > 80, f"docs/operations.md has no section ### {name}"


def test_every_alarm_s_section_has_its_alarm() -> None:
    alarms = MANUAL.partition("\n## Alarms\n")[2]
    sections = set(re.findall(r"^### (.+)$", alarms, re.MULTILINE))
    assert sections == {alarm.name for alarm in ALARMS}


def test_links_within_the_manual_lead_somewhere() -> None:
    anchors = {heading.lower().replace(" ", "-") for heading in HEADINGS}
    assert set(re.findall(r"\]\(#([a-z-]+)\)", MANUAL)) <= anchors


def test_routes_of_the_manual_are_the_api_s() -> None:
    named = re.findall(r"(GET|POST|DELETE) (/[\w/{}-]+)", MANUAL)
    own = {"/metrics"}
    assert len(named) > 8
    for method, path in named:
        assert path in own or method in app.routes[path], f"{method} {path}"


def test_targets_context_and_outputs_are_there(aws: Synthesis) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^ *(?:\w+=\S+ )?make (?:-s )?([a-z-]+)", MANUAL, re.M):
        assert f"\n{target}:" in makefile, target
    context = {"name", *(key.name for key in CONTEXT)}
    assert set(re.findall(r"-c (\w+)=", MANUAL)) <= context
    for stack, output in re.findall(r"\bout (Parley\w+) (\w+)", MANUAL):
        assert output in aws.templates[stack]["Outputs"], (stack, output)


def test_every_kind_of_item_is_told_what_becomes_of_it() -> None:
    erasing = MANUAL.partition("\n## Erase a user\n")[2].partition("\n## ")[0]
    told = set(re.findall(r"`([A-Z]+)`", erasing))
    assert told >= set(KINDS) | NAMELESS


def test_numbers_of_the_manual_are_the_code_s() -> None:
    reserved = sum(one.reserved_concurrency or 0 for one in wiring.FUNCTIONS)
    assert f"{reserved} are reserved" in MANUAL
    assert f"{media.measured_calls()} measured" in MANUAL
    for kind in media.kinds():
        assert f"plan {kind.calls_a_task} |" in MANUAL, kind.name
