"""What a call asks of the end of its caller's turns, and what of it can be had."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.protocol.session.options import CallOption
from chalicelib.protocol.session.speech import EouOption
from mediaworker.session.refusals import Complaint, Unfitting
from mediaworker.session.rules import Rules

SMART_TURN = "smart-turn"
THRESHOLD, AFTER = "threshold", "afterMs"
"""In ``eou.extra``."""
MACHINES = "answerMachineDetection"
"""In ``extra``: ours, for no document names an option."""


@dataclass(frozen=True, slots=True)
class TurnEndTerms:
    """How the end of a turn is told from a pause."""

    threshold: float
    """The probability from which on the caller has finished."""
    after_ms: int
    """Silence before it is judged: the network wants to hear some."""
    timeout_ms: int
    """Silence that is an end, however the speech before it sounded."""


def turn_end_terms(
    option: EouOption | None, rules: Rules, complaints: list[Complaint]
) -> TurnEndTerms | None:
    """None where nobody wants to know, or who is to judge is not known."""
    if option is None:
        return None
    if option.type is not None and option.type.lower() != SMART_TURN:
        sentence = f"the eou type {option.type} is not supported"
        complaints.append(Complaint("eou", sentence))
        return None
    if option.endpoint is not None:
        sentence = "eou.endpoint is not supported: turns are judged here"
        complaints.append(Complaint("eou", sentence))
    extra = option.extra or {}
    after = _number(extra, AFTER, rules.most_endpoint_ms, complaints)
    threshold = _number(extra, THRESHOLD, 1, complaints)
    timeout_ms = option.timeout or rules.turn_timeout_ms
    return TurnEndTerms(
        threshold=rules.turn_threshold if threshold is None else threshold,
        after_ms=rules.judged_after_ms if after is None else int(after),
        timeout_ms=min(timeout_ms, rules.most_endpoint_ms),
    )


def seeks_machine(option: CallOption, complaints: list[Complaint]) -> bool:
    """Whether a machine that answers is to be told."""
    asked = (option.extra or {}).get(MACHINES)
    if asked is None or isinstance(asked, bool):
        return bool(asked)
    sentence = f"{MACHINES} must be true or false"
    complaints.append(Complaint(MACHINES, sentence, Unfitting.code))
    return False


def _number(
    extra: Mapping[str, Any], name: str, most: float, complaints: list[Complaint]
) -> float | None:
    """From 0 on; None where there is none, or it is not to be had."""
    asked = extra.get(name)
    if asked is None:
        return None
    is_number = isinstance(asked, int | float) and not isinstance(asked, bool)
    if is_number and 0 <= asked <= most:
        return float(asked)
    sentence = f"{name} must be a number from 0 to {most}"
    complaints.append(Complaint("eou", sentence, Unfitting.code))
    return None
