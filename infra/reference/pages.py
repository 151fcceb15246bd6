"""``python -m infra.reference.pages``: write the pages of docs/ that tell the code."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from chalicelib.protocol.session import schema
from infra.costing import minutes
from infra.reference import coverage, reading
from infra.reference.reading import Read
from infra.reference.variables import CONTEXT, SECTIONS, Section, Variable
from infra.wiring import ROOT

DOCS = ROOT / "docs"
CONFIGURATION = "configuration.md"
COSTS = "costs.md"
PROTOCOL = "protocol.md"
PROTOCOL_SCHEMA = "protocol.schema.json"
BEGIN = "<!-- made by `make docs` from here -->\n"
END = "<!-- to here -->\n"

INTRODUCTION = """\
# Configuration

Made by `make docs` from the code that reads these variables; a test fails when it is
out of date. In AWS they are keys of one JSON secret (the output `SecretArn` of the
stack ParleyData); the stacks set the rest. A variable that is empty counts as not set.
Who reads it: the **control plane** (every Lambda), a media **worker**, the SIP
**edge**, the **laptop** stack (`make run`, which passes all of them on). A value that
cannot be stops the start, with a sentence that names the variable.
"""
CONTEXT_INTRODUCTION = """\
## Context of a deployment

`npx cdk deploy --all -c name=value`, or in `cdk.json`.
"""


def pages(docs: Path = DOCS) -> Mapping[str, str]:
    """What is to stand in docs/, by file name."""
    costs = (docs / COSTS).read_text(encoding="utf-8")
    protocol = (docs / PROTOCOL).read_text(encoding="utf-8")
    return {
        CONFIGURATION: configuration(),
        COSTS: with_table(costs),
        PROTOCOL: between_marks(protocol, coverage.table(), PROTOCOL),
        PROTOCOL_SCHEMA: json.dumps(schema.document(), indent=1) + "\n",
    }


def configuration() -> str:
    found = reading.variables()
    parts = [INTRODUCTION]
    for section in SECTIONS:
        parts.append(f"\n## {section.title}\n\n")
        parts.append("| variable | default | allowed | read by | |\n")
        parts.append("|---|---|---|---|---|\n")
        parts += (f"{row}\n" for row in _rows(section, found))
    parts.append(
        f"\n{CONTEXT_INTRODUCTION}\n| name | default | what |\n|---|---|---|\n"
    )
    parts += (f"| `{key.name}` | {key.default} | {key.what} |\n" for key in CONTEXT)
    return "".join(parts)


def _rows(section: Section, found: Mapping[str, Read]) -> Iterator[str]:
    for one in section.variables:
        read = found.get(one.name, Read())
        readers = ", ".join(sorted(read.readers))
        secret = "**secret**; " if one.is_secret else ""
        default, allowed = default_of(one, read), allowed_of(one, read)
        yield (
            f"| `{one.name}` | {default} | {allowed} | {readers} | {secret}{one.what} |"
        )


def default_of(variable: Variable, read: Read) -> str:
    """As the code has it, unless it is told."""
    return str(read.default) if variable.default is None else variable.default


def allowed_of(variable: Variable, read: Read) -> str:
    if variable.allowed is None and read.bounds is not None:
        return f"{read.bounds[0]} to {read.bounds[1]}"
    return variable.allowed or ""


def with_table(text: str) -> str:
    """The page with the table of minutes between its marks; raises ValueError."""
    return between_marks(text, minutes.markdown(), COSTS)


def between_marks(text: str, made: str, name: str) -> str:
    """The page with what is made between its marks; raises ValueError."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"docs/{name} has lost the marks around its table")
    return f"{before}{BEGIN}\n{made}\n{END}{after}"


def main() -> int:
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")
        sys.stdout.write(f"docs/{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
