"""What must hold of all that was sent. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from infra.demo_webhooks.business import Taken


@dataclass(frozen=True, slots=True)
class Verdict:
    """One thing that must hold, and whether it does."""

    is_good: bool
    sentence: str


def nothing_lost(
    told: Mapping[str, str], taken: Mapping[str, Sequence[Taken]]
) -> Verdict:
    """``told`` is what there was to hear: id -> type."""
    missing = [
        f"{name} never got {told[one]} {one}"
        for name, found in taken.items()
        for one in sorted(told.keys() - {webhook.id for webhook in found})
    ]
    if missing:
        return Verdict(False, f"lost: {'; '.join(missing[:3])} ({len(missing)})")
    names = ", ".join(taken)
    return Verdict(True, f"nothing lost: {len(told)} webhooks each for {names}")


def in_order(taken: Mapping[str, Sequence[Taken]]) -> Verdict:
    """Of each call, at each endpoint; what comes again stands where it first was."""
    wrong = [
        f"{name}, call {call}: {places}"
        for name, found in taken.items()
        for call, places in _places(found).items()
        if places != sorted(places)
    ]
    if wrong:
        return Verdict(False, f"out of order: {'; '.join(wrong[:3])}")
    return Verdict(True, "nothing out of order within any call")


def nothing_anew(taken: Mapping[str, Sequence[Taken]]) -> Verdict:
    """What comes twice has its id again, so that it can be dropped."""
    first: dict[tuple[str, str], tuple[str, int, bytes]] = {}
    wrong, repeats = [], 0
    for name, found in taken.items():
        for webhook in found:
            facts = (webhook.type, webhook.seq, webhook.body)
            known = first.setdefault((name, webhook.id), facts)
            repeats += known is not facts
            if known != facts:
                wrong.append(f"{name}: {webhook.id} is two different ones")
    bodies = {(name, seq, body) for (name, _), (_, seq, body) in first.items()}
    if wrong or len(bodies) != len(first):
        return Verdict(False, f"twice under two ids: {'; '.join(wrong[:3])}")
    return Verdict(True, f"nothing twice but under its own id ({repeats} repeated)")


def signed(taken: Iterable[Taken]) -> Verdict:
    """Each by at least one secret that its endpoint has had."""
    bad = [webhook.id for webhook in taken if not any(webhook.verified_by)]
    if bad:
        return Verdict(False, f"a signature is wrong: {', '.join(bad[:3])}")
    return Verdict(True, "every signature right")


def _places(found: Sequence[Taken]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = defaultdict(list)
    known: set[str] = set()
    for webhook in found:
        if webhook.id not in known:
            known.add(webhook.id)
            places[webhook.call].append(webhook.seq)
    return places
