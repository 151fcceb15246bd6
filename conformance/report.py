"""What came of it, for people and for programs: TAP 14."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from conformance.case import Level, Outcome, Verdict

PLAN = "TAP version 14"


def line(verdict: Verdict, number: int) -> str:
    """One test point, and below it why it is not plainly ok."""
    case = verdict.case
    state = "not ok" if verdict.outcome is Outcome.NOT_OK else "ok"
    directive = {
        Outcome.SKIPPED: " # SKIP",
        Outcome.BEYOND: " # TODO beyond the contract",
    }.get(verdict.outcome, "")
    said = f"{state} {number} - {case.group}: {case.name}{directive}"
    if verdict.outcome is Outcome.OK:
        return said
    return "\n".join([said, *_diagnosis(verdict)])


def _diagnosis(verdict: Verdict) -> Iterator[str]:
    yield "  ---"
    yield f"  asks: {_quoted(verdict.case.sentence)}"
    yield f"  why: {_quoted(verdict.why)}"
    if verdict.case.lines:
        yield f"  lines: [{', '.join(map(_quoted, verdict.case.lines))}]"
    yield "  ..."


def _quoted(text: str) -> str:
    """As YAML and JSON both have it; one line, and not endless."""
    return json.dumps(text[:500], ensure_ascii=False)


def summary(verdicts: Sequence[Verdict], seconds: float) -> str:
    """How many of each, by level."""
    rows = [f"# {len(verdicts)} cases in {seconds:.0f} s"]
    for level in Level:
        found = Counter(v.outcome for v in verdicts if v.case.level is level)
        shown = ", ".join(f"{found[outcome]} {outcome}" for outcome in Outcome)
        rows.append(f"# {level}: {shown}")
    return "\n".join(rows)


def conforms(verdicts: Sequence[Verdict], *, with_extras: bool = False) -> bool:
    """Whether nothing that had to be so was not; ``with_extras``: nothing at all."""
    bad = {Outcome.NOT_OK, Outcome.BEYOND} if with_extras else {Outcome.NOT_OK}
    return not any(verdict.outcome in bad for verdict in verdicts)
