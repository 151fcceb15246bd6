"""What the runtime tells Prometheus."""

from chalicelib.protocol.session.vocabulary import CallType
from mediaworker.gateway.metrics import HELP
from mediaworker.runtime.admission import Ticks
from mediaworker.runtime.garbage import Collector
from mediaworker.runtime.legs import LegStatistics
from mediaworker.runtime.readings import Parts, readings_of
from mediaworker.runtime.ticker import Ticker
from tests.worker.runtime.fake_leg import FakeLegs
from tests.worker.runtime.world import World


def test_tell_of_legs_and_their_packets() -> None:
    legs = FakeLegs()
    world = World(legs=legs.makers)
    collector = Collector(lambda: world.now)
    ticker = Ticker(
        (world.engine.play,),
        world.backlog,
        Ticks(),
        collector,
        lambda: world.now,
    )
    world.open(call_type=CallType.SIP)
    legs.last.statistics = LegStatistics(1, 2, 3, 4, 5)
    parts = (world.roster, world.engine, world.desk, world.recorders)
    told = readings_of(Parts(*parts, ticker, collector))
    assert (told["legs_sip"], told["legs_webrtc"]) == (1, 0)
    assert told["rtp_packets_received_total"] == 1
    assert told["rtp_packets_sent_total"] == 2
    assert told["rtp_packets_lost_total"] == 3
    assert told["rtp_packets_late_total"] == 4
    assert told["frames_concealed_total"] == 5
    assert told["sessions"] == 1
    assert set(told) <= set(HELP)
