"""What administrators do with endpoints, where somebody else does it too."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from chalicelib.adapters.memory import Store
from chalicelib.adapters.memory_delivery import MemoryFailures, MemoryHealth
from chalicelib.adapters.memory_endpoints import MemoryEndpoints
from chalicelib.domain.endpoints import Disabled, Endpoint, Health
from chalicelib.protocol.url_policy import UrlPolicy
from chalicelib.services import ports
from chalicelib.services.ports import Answer
from chalicelib.services.retries import Unavailable
from chalicelib.services.webhooks.endpoints import (
    MOST_ENDPOINTS,
    Changes,
    EndpointNotFound,
    EndpointService,
    InvalidUrl,
    NewEndpoint,
    Ports,
    TooManyEndpoints,
)
from chalicelib.services.webhooks.trials import LONGEST_SECONDS
from tests.builders import NOW_MS, FakeClock, FakeDraws

URL = "https://shop.example/hook"


class Crowded(MemoryEndpoints):
    """Somebody else does something before each write; some answers get lost."""

    before_write: Callable[[], None] = staticmethod(lambda: None)
    losses = 0

    def create(self, tenant: str, endpoint: Endpoint) -> None:
        self._meanwhile()
        super().create(tenant, endpoint)
        self._lose()

    def replace(self, tenant: str, before: Endpoint, after: Endpoint) -> None:
        self._meanwhile()
        super().replace(tenant, before, after)
        self._lose()

    def _meanwhile(self) -> None:
        happens, self.before_write = self.before_write, lambda: None
        happens()

    def _lose(self) -> None:
        if self.losses:
            self.losses -= 1
            raise ports.UnknownOutcome("timeout")


@dataclass
class Waits:
    """A `Poster` that notes how long it was let wait."""

    seconds: list[float] = field(default_factory=list)

    def post(
        self, url: str, headers: object, body: bytes, timeout_seconds: float
    ) -> Answer:
        self.seconds.append(timeout_seconds)
        return Answer(200)


class World:
    """The service, and what it acts in."""

    def __init__(self) -> None:
        self.store = Store()
        self.endpoints = Crowded(self.store, {})
        self.health = MemoryHealth(self.store)
        self.clock, self.draws = FakeClock(), FakeDraws()
        self.poster = Waits()
        self.service = EndpointService(
            Ports(
                endpoints=self.endpoints,
                health=self.health,
                failures=MemoryFailures(),
                poster=self.poster,
                policy=UrlPolicy(),
                requires_https=True,
                clock=self.clock,
                draws=self.draws,
            )
        )

    def create(self, tenant: str = "default") -> Endpoint:
        return self.service.create(tenant, NewEndpoint(URL)).endpoint


@pytest.fixture
def world() -> World:
    return World()


def test_create_of_two_that_come_together_keeps_the_limit(world: World) -> None:
    for _ in range(MOST_ENDPOINTS - 1):
        world.create()
    first: list[Endpoint] = []
    world.endpoints.before_write = lambda: first.append(world.create())
    with pytest.raises(TooManyEndpoints):
        world.create()
    left = {one.endpoint.id for one in world.service.of_tenant("default")}
    assert len(left) == MOST_ENDPOINTS and first[0].id in left


def test_create_whose_answer_is_lost_is_one_endpoint(world: World) -> None:
    world.endpoints.losses = 1
    made = world.create()
    (standing,) = world.service.of_tenant("default")
    assert standing.endpoint == made


def test_create_that_is_refused_for_ever_is_unavailable(world: World) -> None:
    def refuse() -> None:
        world.endpoints.before_write = refuse
        raise ports.Conflict("taken")

    refuse_first = refuse
    world.endpoints.before_write = refuse_first
    with pytest.raises(Unavailable):
        world.create()


def test_list_is_by_age(world: World) -> None:
    made = []
    for _ in range(3):
        made.append(world.create().id)
        world.clock.pass_ms(1)
    assert [one.endpoint.id for one in world.service.of_tenant("default")] == made


def test_change_is_made_on_what_another_has_changed(world: World) -> None:
    made = world.create()

    def describe() -> None:
        world.service.change("default", made.id, Changes(description="theirs"))

    world.endpoints.before_write = describe
    changed = world.service.change("default", made.id, Changes(timeout_seconds=3))
    assert changed.endpoint.description == "theirs"
    assert changed.endpoint.timeout_seconds == 3
    assert changed.endpoint.version == 3


def test_change_to_where_webhooks_may_not_go_changes_nothing(world: World) -> None:
    made = world.create()
    with pytest.raises(InvalidUrl, match="^url: "):
        world.service.change("default", made.id, Changes("http://shop.example/"))
    assert world.service.find("default", made.id).endpoint == made


def test_change_of_what_is_deleted_meanwhile_finds_nothing(world: World) -> None:
    made = world.create()
    world.endpoints.before_write = lambda: world.service.delete("default", made.id)
    with pytest.raises(EndpointNotFound):
        world.service.change("default", made.id, Changes(timeout_seconds=3))


def test_rotation_whose_answer_is_lost_keeps_the_old_secret(world: World) -> None:
    made = world.create()
    world.endpoints.losses = 1
    rotated = world.service.rotate("default", made.id, "", 60_000).endpoint
    assert rotated.secrets(NOW_MS) == (rotated.secret, made.secret)
    stored = world.service.find("default", made.id).endpoint
    assert stored == rotated and stored.version == 2


def test_disable_beside_another_s_news_of_it(world: World) -> None:
    made = world.create()
    keep, news = world.health.keep, [Health(failures=1, failing_since_ms=NOW_MS)]

    def crowded(tenant: str, endpoint_id: str, before: Health, after: Health) -> bool:
        if news:
            keep(tenant, endpoint_id, before, news.pop())
        return keep(tenant, endpoint_id, before, after)

    setattr(world.health, "keep", crowded)  # noqa: B010
    standing = world.service.disable("default", made.id)
    assert standing.health == Health(
        disabled=Disabled.ASKED, disabled_at_ms=NOW_MS, version=2
    )
    assert world.service.find("default", made.id) == standing


def test_test_does_not_wait_longer_than_the_request_may(world: World) -> None:
    made = world.create()
    slow = Changes(timeout_seconds=30)
    world.service.change("default", made.id, slow)
    assert world.service.test("default", made.id, "webhook.test").is_delivered
    quick = replace(slow, timeout_seconds=2)
    world.service.change("default", made.id, quick)
    world.service.test("default", made.id, "webhook.test")
    assert world.poster.seconds == [LONGEST_SECONDS, 2]
