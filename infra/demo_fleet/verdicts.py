"""What must hold of a fleet that lost one worker and drained another. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.demo_fleet.record import Record
from infra.demo_webhooks.verdicts import Verdict

STARTED, ENDED = "session.started", "session.ended"


@dataclass(frozen=True, slots=True)
class Story:
    """What happened, by the applications and by the business."""

    voices: Sequence[Record]
    relayed: Sequence[Sequence[Record]]
    """Each application's sessions through the second door."""
    told: Sequence[Mapping[str, Any]]
    """Webhooks of sessions, as they came."""
    killed: str
    """A worker; so is the next."""
    drained: str
    killed_at_ms: int
    newcomers: frozenset[str] = frozenset()
    """Names of applications that came when both were gone or going."""
    lost: frozenset[str] = frozenset()
    """Names of the relayed sessions that were the killed worker's."""
    took: Mapping[str, str] = field(default_factory=dict)
    """Name of a relayed newcomer -> its worker."""

    def of(self, worker_id: str) -> list[Record]:
        return [one for one in self.voices if one.session_id.startswith(worker_id)]

    @property
    def survivors(self) -> list[Record]:
        killed = {one.name for one in self.of(self.killed)}
        return [one for one in self.voices if one.name not in killed]


def drained_in_peace(story: Story) -> Verdict:
    """Every session of the drained worker went on to its natural end."""
    found = story.of(story.drained)
    bad = [one.name for one in found if not one.has_ended_well]
    late = [one.name for one in found if one.name in story.newcomers]
    if bad or late or not found:
        return Verdict(False, f"drained: cut {_some(bad)}, came later {_some(late)}")
    return Verdict(
        True, f"all {len(found)} of the drained worker went on to their natural end"
    )


def buried_in_time(story: Story, within_seconds: float) -> Verdict:
    """Every session of the killed worker was ended, and its business told."""
    ids = {one.session_id for one in story.of(story.killed)}
    ends = {
        one["body"]["data"]["session_id"]: one
        for one in story.told
        if one["type"] == ENDED and one["body"]["data"]["session_id"] in ids
    }
    wrong = [one for one in ends.values() if one["body"]["data"]["reason"] != "failed"]
    waits = [(one["at_ms"] - story.killed_at_ms) / 1000 for one in ends.values()]
    slowest = max(waits, default=0.0)
    if ids - ends.keys() or wrong or slowest > within_seconds or not ids:
        return Verdict(
            False,
            f"killed: never told {_some(ids - ends.keys())}, {len(wrong)} with a wrong "
            f"reason, the last after {slowest:.1f} s",
        )
    return Verdict(
        True,
        f"all {len(ids)} of the killed worker were told as ended, the last "
        f"{slowest:.1f} s after its death",
    )


def newcomers_to_the_living(story: Story) -> Verdict:
    gone = (story.killed, story.drained)
    wrong = [
        one.name
        for one in story.voices
        if one.name in story.newcomers and one.session_id.startswith(gone)
    ]
    wrong += [name for name, worker_id in story.took.items() if worker_id in gone]
    count = len(story.newcomers)
    if wrong or not count:
        return Verdict(False, f"new sessions at the gone: {_some(wrong)} of {count}")
    return Verdict(True, f"all {count} new sessions went to the living")


def audio_whole(story: Story) -> Verdict:
    """Both ways, of every session that had no accident of its own."""
    found = [one for one in story.survivors if not one.resumed_at]
    holes = {one.name: one.holes for one in found if one.holes}
    counted = _counts(story)
    deaf = [
        one.name
        for one in found
        if counted.get(one.session_id, {}).get("packets_received") != one.sent
    ]
    frames = sum(one.expected + one.sent for one in found)
    if holes or deaf:
        said = ", ".join(f"{name} {count}" for name, count in holes.items())
        return Verdict(
            False, f"frames not heard once: {said or 'none'}; not taken: {_some(deaf)}"
        )
    return Verdict(
        True, f"{frames} frames of audio went both ways, each once and in order"
    )


def told_once(story: Story) -> Verdict:
    """One start and one end of each session, in order and signed."""
    stories: dict[str, list[str]] = defaultdict(list)
    for one in story.told:
        stories[one["body"]["data"]["session_id"]].append(one["type"])
    ids = [one.session_id for one in story.voices]
    bad = [one for one in ids if stories.get(one) != [STARTED, ENDED]]
    unsigned = sum(not one["is_verified"] for one in story.told)
    strangers = stories.keys() - set(ids)
    if bad or unsigned or strangers:
        return Verdict(
            False,
            f"not told once each: {_some(bad)}; unsigned {unsigned}; of nobody "
            f"{_some(strangers)}",
        )
    return Verdict(
        True, f"{len(story.told)} webhooks: one start and one end of each session"
    )


def answered_once(story: Story) -> Verdict:
    """Every message of who was not cut off, and no error beside."""
    lives = [one for lives in story.relayed for one in lives]
    whole = [one for one in story.survivors if not one.resumed_at]
    whole += [one for one in lives if one.name not in story.lost]
    bad = [one.name for one in whole if one.notes != list(range(1, one.noted + 1))]
    bad += [one.name for one in (*story.voices, *lives) if not one.is_in_order]
    errors = [one.name for one in (*story.voices, *lives) if one.errors]
    if bad or errors:
        return Verdict(
            False, f"messages lost or doubled: {_some(bad)}; errors: {_some(errors)}"
        )
    count = sum(len(one.notes) for one in (*story.voices, *lives))
    return Verdict(True, f"{count} messages, each answered once and in order")


def second_door_leads_on(story: Story) -> Verdict:
    """Who was cut off came back to the living, and hung up as meant."""
    last = [lives[-1] for lives in story.relayed]
    bad = [one.name for one in last if not one.has_ended_well]
    back = [lives for lives in story.relayed if len(lives) > 1]
    unlike = {lives[0].name for lives in back} ^ story.lost
    if bad or unlike:
        return Verdict(
            False, f"second door: not hung up {_some(bad)}; cut or not {_some(unlike)}"
        )
    return Verdict(
        True,
        f"{len(last)} sessions through the second door hung up as meant; "
        f"{len(back)} had to come back",
    )


def resumed_elsewhere(story: Story) -> Verdict:
    """A socket that was lost went on through a worker that has not the session."""
    moved = [one for one in story.voices if one.resumed_at]
    bad = [one.name for one in moved if not one.has_ended_well or not one.is_in_order]
    at_home = [one.name for one in moved if one.resumed_at == one.port]
    if bad or at_home or not moved:
        return Verdict(
            False, f"resumed elsewhere: {len(moved)}, ended badly {_some(bad)}"
        )
    return Verdict(
        True, f"{len(moved)} lost sockets went on through another worker's door"
    )


def all_of(story: Story, within_seconds: float) -> list[Verdict]:
    """``within_seconds`` of a worker's death its sessions' ends are to be told."""
    return [
        drained_in_peace(story),
        buried_in_time(story, within_seconds),
        newcomers_to_the_living(story),
        resumed_elsewhere(story),
        second_door_leads_on(story),
        audio_whole(story),
        answered_once(story),
        told_once(story),
    ]


def _counts(story: Story) -> dict[str, Mapping[str, int]]:
    return {
        one["body"]["data"]["session_id"]: one["body"]["data"]["counts"]
        for one in story.told
        if one["type"] == ENDED
    }


def _some(names: Any) -> str:
    found = sorted(names)
    if not found:
        return "none"
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return ", ".join(found[:3]) + more
