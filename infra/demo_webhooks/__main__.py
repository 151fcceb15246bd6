"""Plays the outage, and says what became of every webhook."""

import argparse
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from infra.demo.client import DemoFailed, Refused
from infra.demo_webhooks import verdicts
from infra.demo_webhooks.business import Receiver
from infra.demo_webhooks.scene import Calls, Town, are_finished, town, wait_for
from infra.demo_webhooks.stack import own_stack
from infra.demo_webhooks.verdicts import Verdict
from infra.laptop.clock import now_seconds

SCHEDULE = "0,1,1,2,2,2,2,2,2,2,2,2,3,3,3,3,3,3,3,3"
"""Waits before the attempts: as the real one, but over in a minute."""
OVERLAP_SECONDS = 600
CATCHING_UP_SECONDS = 30.0
WIDTH = 72
INTERRUPTED = 130

ENDPOINTS = (
    ("shop", "fails in every way there is, one after the other"),
    ("night", "its port is closed"),
    ("vault", "https, with a certificate that nobody has signed"),
    ("gone", "answers 410"),
    ("watch", "hears what becomes of the others: webhook.*"),
)


class Teller:
    """Says who does what, and when; for many threads."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._lock = threading.Lock()

    def tell(self, who: str, what: str) -> None:
        with self._lock:
            say(f"{time.monotonic() - self._began:6.1f} s  {who:8} {what}".rstrip())


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.demo_webhooks")
    parser.add_argument("--seconds", type=float, default=20, help="of trouble")
    given = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="parley-demo-"))
    try:
        found = play(folder, given.seconds)
    except (DemoFailed, Refused) as failure:
        sys.stderr.write(f"{failure}\nThe stack's log is in {folder}.\n")
        return 1
    except KeyboardInterrupt:
        shutil.rmtree(folder)
        return INTERRUPTED
    return conclude(found, folder)


def conclude(found: Sequence[Verdict], folder: Path) -> int:
    """The exit status."""
    heading("What must hold")
    for verdict in found:
        say(f"  {'yes' if verdict.is_good else 'NO '}  {verdict.sentence}")
    if not all(verdict.is_good for verdict in found):
        say(f"\nThat is not as it should be. The stack's log is in {folder}.")
        return 1
    shutil.rmtree(folder)
    say("\nAll of it holds.")
    return 0


def play(folder: Path, seconds: float) -> list[Verdict]:
    """Raises `DemoFailed` or `Refused`."""
    say("What an outage of your endpoints costs: nothing but time. Parley starts ...")
    variables = {"PARLEY_WEBHOOK_SCHEDULE": SCHEDULE}
    with own_stack(folder, variables) as client:
        say("Its business has five endpoints:")
        for name, what in ENDPOINTS:
            say(f"  {name:6} {what}")
        heading(f"{seconds:.0f} seconds of trouble, and a dozen calls meanwhile")
        say("After five failures in a row only one tries for all, until it is taken.")
        teller = Teller()
        run = f"{int(now_seconds()) % 100_000:05}"
        with town(client, folder, teller.tell) as people:
            calls = Calls(client, run, teller.tell, seconds * 0.8)
            with during(calls):
                time.sleep(seconds / 2)
                people.rotate(OVERLAP_SECONDS)
                teller.tell("shop", "rotates its secret; for a while both sign")
                time.sleep(seconds / 2)
                heading("It is over")
                people.recover()
            return settle(people, calls, teller)


@contextmanager
def during(calls: Calls) -> Iterator[None]:
    calls.begin()
    try:
        yield
    except BaseException:
        calls.abandon()
        raise
    calls.end()


def settle(people: Town, calls: Calls, teller: Teller) -> list[Verdict]:
    """Wait for all that was held up, and look at it."""
    wait_for(
        lambda: are_finished(calls.told(), calls.ids), CATCHING_UP_SECONDS, "calls"
    )
    told = {one["id"]: one["type"] for one in calls.told()}
    for name, receiver in people.hearers.items():
        catch_up(name, receiver, set(told), teller)
    before = {name: found.taken for name, found in people.hearers.items()}
    rotated = rotation(people, teller)
    replayed = replay(people, calls.ids[0], teller)
    show(people, calls.ids[0])
    after = {name: found.taken for name, found in people.hearers.items()}
    return [
        verdicts.nothing_lost(told, before),
        verdicts.in_order(before),
        verdicts.nothing_anew(after),
        verdicts.signed(one for found in after.values() for one in found),
        rotated,
        replayed,
        gone(people),
        Verdict(not people.trap.connections, "the trap was never entered"),
    ]


def catch_up(name: str, receiver: Receiver, ids: set[str], teller: Teller) -> None:
    """What it then lacks, the verdict names."""

    def lacking() -> set[str]:
        return ids - {one.id for one in receiver.taken}

    try:
        wait_for(lambda: not lacking(), CATCHING_UP_SECONDS, "webhooks")
        teller.tell(name, f"has all {len(ids)} webhooks")
    except DemoFailed:
        teller.tell(name, f"still lacks {len(lacking())} of {len(ids)} webhooks")


def rotation(people: Town, teller: Teller) -> Verdict:
    """In the overlap both secrets are right; when it is ended, the newest alone."""
    both = [one for one in people.shop.taken if one.signatures == 2]
    are_both = bool(both) and all(all(one.verified_by[-2:]) for one in both)
    people.rotate(0)
    count = len(people.shop.taken)
    tested = people.administrator.test(people.ids["shop"])
    *_, last = people.shop.taken
    is_last = len(people.shop.taken) == count + 1 and tested["delivered"]
    is_newest = last.verified_by == (False, False, True) and last.signatures == 1
    teller.tell("shop", "ends the overlap, and is sent a test: the newest secret alone")
    return Verdict(
        are_both and is_last and is_newest,
        f"a secret rotated: {len(both)} webhooks verified by either, then by the new",
    )


def replay(people: Town, call_id: str, teller: Teller) -> Verdict:
    """The same again, under the same ids, in order."""
    first = [one.id for one in people.shop.taken if one.call == call_id]
    count = len(people.shop.taken)
    promised = people.administrator.replay(people.ids["shop"], call_id)
    teller.tell("shop", f"asks for call 1 again: {promised} webhooks")
    wait_for(
        lambda: len(people.shop.taken) >= count + promised,
        CATCHING_UP_SECONDS,
        "the replay",
    )
    again = [one.id for one in people.shop.taken[count:]]
    unique = list(dict.fromkeys(first))
    return Verdict(again == unique, "a call replayed: the same ids, in the same order")


def gone(people: Town) -> Verdict:
    """Disabled, and told."""
    found = people.administrator.find(people.ids["gone"])
    told = [
        one
        for one in people.watch.taken
        if one.type == "webhook.endpoint_disabled" and one.call == found["id"]
    ]
    is_good = found["disabled_because"] == "gone" and len(told) == 1
    return Verdict(
        is_good, "the endpoint that answered 410 is disabled, and watch was told once"
    )


def show(people: Town, call_id: str) -> None:
    heading("How shop failed")
    table(people.shop.failed)
    heading("What Parley's log of attempts says")
    for name in ("shop", "night", "vault", "gone"):
        attempts = people.administrator.attempts(people.ids[name])
        told = Counter(str(one["error"] or one["status"]) for one in attempts)
        table(told, f"{name:6} ")
    show_one(people, call_id)
    heading("What was taken")
    for name, receiver in people.hearers.items():
        types = Counter(one.type for one in receiver.taken)
        say(f"  {name:6} {types.total()}: {of(types)}")


def show_one(people: Town, call_id: str) -> None:
    """All that the log has of the first webhook of a call."""
    shop, log = people.ids["shop"], people.administrator
    attempts = log.attempts(shop, status="all", call_id=call_id)
    first = min(attempts, key=lambda one: str(one["at"]))
    heading(f"The story of one webhook: {first['type']} {first['webhook_id']}")
    say("The turns that are missing were left to the one that tried for all.")
    is_taken = False
    for one in sorted(attempts, key=lambda one: str(one["at"])):
        if one["webhook_id"] == first["webhook_id"]:
            number = "replayed" if is_taken else f"attempt {one['attempt']}"
            what = one["error"] or one["status"]
            say(f"  {one['at']}  {number:11} {what}, after {one['duration_ms']} ms")
            is_taken |= one["delivered"]


def table(counts: Counter[str], name: str = "") -> None:
    for what, count in counts.most_common():
        say(f"  {name}{count:4}  {what}")


def of(types: Counter[str]) -> str:
    kinds = Counter[str]()
    for name, count in types.items():
        kinds[name.partition(".")[0] + ".*"] += count
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))


def heading(text: str) -> None:
    say(f"\n{text}\n{'-' * min(len(text), WIDTH)}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
