"""Which test proves which line of the session protocol's contract.

The lines stand in tests/protocol/session/contract.json: commands by their names
(``tts.text``), events behind ``event.``, options by their types, what the query asks
for, REST and the notes. A test says what it proves by ``@pytest.mark.covers``, a case
of the conformance kit by its lines.
"""

import ast
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.wiring import ROOT

TESTS = ROOT / "tests"
CASES = ROOT / "conformance" / "cases"
CONTRACT = TESTS / "protocol" / "session" / "contract.json"
MARK = "covers"
CASE = "case"
KIT = "kit: "
"""Before the name of a case, where others name a test's file."""

NOT_YET = ("refer.", "ReferOption.")
"""Lines that are read, and answered by `error` 501 until they are built."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the contract."""

    name: str
    type: str
    default: str
    """As JSON; empty for none."""
    is_required: bool


def contract() -> list[Line]:
    """All lines, in the contract's order."""
    return [_line(row) for row in json.loads(CONTRACT.read_text(encoding="utf-8"))]


def _line(row: Mapping[str, Any]) -> Line:
    default = json.dumps(row["default"]) if "default" in row else ""
    return Line(row["line"], row["type"], default, row.get("required", False))


def proofs() -> Mapping[str, Sequence[str]]:
    """Node ids of tests, and then cases of the kit, by what they say to prove."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if MARK in text:
            for name, lines in _marked(ast.parse(text), MARK):
                for line in lines:
                    found[line].append(f"{path.relative_to(ROOT)}::{name}")
    for path in sorted(CASES.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for name, lines in _marked(tree, CASE):
            for line in lines:
                found[line].append(KIT + name.replace("_", "-"))
    return found


def _marked(
    tree: ast.Module, mark: str, within: str = ""
) -> Iterator[tuple[str, list[str]]]:
    """Functions with such a decorator, and what it is given."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            inner = ast.Module(node.body, [])
            yield from _marked(inner, mark, f"{within}{node.name}::")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = [line for one in node.decorator_list for line in _given(one, mark)]
            if lines:
                yield within + node.name, lines


def _given(decorator: ast.expr, mark: str) -> Iterator[str]:
    match decorator:
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=args):
            if name == mark:
                yield from (str(ast.literal_eval(one)) for one in args)


def table() -> str:
    """Every line with its default and its proofs: for docs/protocol.md."""
    rows = ["| line | type | default | proved by |", "|---|---|---|---|"]
    found = proofs()
    rows += [_row(line, found.get(line.name, ())) for line in contract()]
    return "\n".join(rows)


def _row(line: Line, proved_by: Sequence[str]) -> str:
    tests = [one for one in proved_by if not one.startswith(KIT)]
    shown = "<br>".join(f"`{one.removeprefix('tests/')}`" for one in tests)
    cases = [one.removeprefix(KIT) for one in proved_by if one.startswith(KIT)]
    kit = f"kit: {', '.join(cases)}" if cases else ""
    late = "answered 501" if line.name.startswith(NOT_YET) else ""
    mark = "*" if line.is_required else ""
    default = f"`{line.default}`" if line.default else ""
    told = "<br>".join(filter(None, (shown, kit, late)))
    return f"| `{line.name}`{mark} | {line.type} | {default} | {told} |"
