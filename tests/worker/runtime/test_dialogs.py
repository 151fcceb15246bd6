"""What SIP knows of a session goes into the fact of its end."""

from dataclasses import dataclass

from chalicelib.protocol.lease import DialogFacts, SessionEnded
from chalicelib.protocol.session.vocabulary import CallType
from mediaworker.runtime.legs import Holder
from mediaworker.runtime.wires import WIRES
from tests.worker.runtime.fake_leg import FakeLeg
from tests.worker.runtime.world import World

FACTS = DialogFacts("c1", is_inbound=False, status_code=200)


@dataclass(eq=False)
class SipLeg(FakeLeg):
    facts: DialogFacts | Exception | None = FACTS

    def dialog(self) -> DialogFacts | None:
        if isinstance(self.facts, Exception):
            raise self.facts
        return self.facts


def ended(facts: DialogFacts | Exception | None, leg: type[FakeLeg]) -> SessionEnded:
    def make(holder: Holder) -> FakeLeg:
        made = leg(holder, next(iter(WIRES.values())))
        if isinstance(made, SipLeg):
            made.facts = facts
        return made

    world = World(legs={CallType.SIP: make})
    caller = world.open(call_type=CallType.SIP).invite(callee="sip:bob@example.com")
    caller.command("hangup")
    assert caller.names[-1] == "hangup"
    (told,) = (f for f in world.facts.facts if isinstance(f, SessionEnded))
    return told


def test_tell_of_the_dialog() -> None:
    assert ended(FACTS, SipLeg).dialog == FACTS
    assert ended(None, SipLeg).dialog is None


def test_tell_of_none_where_the_leg_has_none() -> None:
    assert ended(None, FakeLeg).dialog is None


def test_tell_of_the_end_though_the_leg_fails() -> None:
    assert ended(ZeroDivisionError(), SipLeg).dialog is None
