"""What every repository of endpoints, every announcer and every vault must do."""

from dataclasses import replace

import pytest

from chalicelib.domain.endpoints import Disabled, Endpoint, Health, Standing
from chalicelib.services import ports
from chalicelib.services.ports import CallRepository
from chalicelib.services.vault import SealBroken, Vault
from chalicelib.services.webhooks.ports import (
    Announcer,
    EndpointRepository,
    HealthRepository,
)
from tests.builders import NOW_MS

OPERATORS = Endpoint(
    "0123456789ab", "https://ops.example/", "secret", is_of_environment=True
)
FIXED = {"default": (OPERATORS,)}
MADE = Endpoint(
    id="ep_000000000000000000000001",
    url="https://shop.example/hook?a=ü",
    secret="whsec_of-the-shop",
    timeout_seconds=5,
    events=("room.*", "call.ended"),
    description="the shop's",
    previous_secret="whsec_of-old",
    previous_until_ms=NOW_MS + 5,
    created_at_ms=NOW_MS,
    updated_at_ms=NOW_MS + 1,
)
HEALTH = Health(3, NOW_MS, NOW_MS + 9, 0, Disabled.GONE, NOW_MS, version=1)
CONTEXT = {"tenant": "default", "endpoint": "ep_1"}


class EndpointRepositoryContract:
    """Subclasses give fixtures ``endpoints``, empty but for `FIXED`, and ``health``
    beside it."""

    def test_endpoint_is_found_as_it_was_made(
        self, endpoints: EndpointRepository
    ) -> None:
        plain = replace(MADE, id="ep_2", previous_secret="", previous_until_ms=0)
        endpoints.create("default", MADE)
        endpoints.create("default", plain)
        assert endpoints.find("default", MADE.id) == Standing(MADE)
        found = endpoints.of_tenant("default")
        assert set(found) == {Standing(OPERATORS), Standing(MADE), Standing(plain)}

    def test_endpoint_is_its_tenant_s_own(self, endpoints: EndpointRepository) -> None:
        endpoints.create("default", MADE)
        assert endpoints.of_tenant("other") == ()
        assert endpoints.find("other", MADE.id) is None
        assert endpoints.find("other", OPERATORS.id) is None
        assert endpoints.find("default", OPERATORS.id) == Standing(OPERATORS)
        assert not endpoints.delete("other", MADE.id)
        with pytest.raises(ports.Conflict):
            endpoints.replace("other", MADE, replace(MADE, version=2))

    def test_id_is_made_once(self, endpoints: EndpointRepository) -> None:
        endpoints.create("default", MADE)
        with pytest.raises(ports.Conflict):
            endpoints.create("default", replace(MADE, url="https://new.example/"))
        assert endpoints.find("default", MADE.id) == Standing(MADE)

    def test_of_two_who_replace_one_is_first(
        self, endpoints: EndpointRepository
    ) -> None:
        endpoints.create("default", MADE)
        first = replace(MADE, description="first", version=2)
        endpoints.replace("default", MADE, first)
        with pytest.raises(ports.Conflict):
            endpoints.replace("default", MADE, replace(MADE, version=2))
        assert endpoints.find("default", MADE.id) == Standing(first)

    def test_what_is_deleted_is_gone(
        self, endpoints: EndpointRepository, health: HealthRepository
    ) -> None:
        endpoints.create("default", MADE)
        health.keep("default", MADE.id, Health(), HEALTH)
        assert endpoints.delete("default", MADE.id)
        assert not endpoints.delete("default", MADE.id)
        assert endpoints.find("default", MADE.id) is None
        endpoints.create("default", MADE)
        assert endpoints.find("default", MADE.id) == Standing(MADE)
        assert not endpoints.delete("default", OPERATORS.id)
        with pytest.raises(ports.Conflict):
            endpoints.replace("default", OPERATORS, replace(OPERATORS, version=2))

    def test_endpoints_come_with_their_health(
        self, endpoints: EndpointRepository, health: HealthRepository
    ) -> None:
        endpoints.create("default", MADE)
        for one in (MADE, OPERATORS):
            health.keep("default", one.id, Health(), HEALTH)
            health.take_slot("default", one.id, 0, "me", NOW_MS, NOW_MS + 1)
            assert endpoints.find("default", one.id) == Standing(one, HEALTH)
        found = endpoints.of_tenant("default")
        assert found == (Standing(OPERATORS, HEALTH), Standing(MADE, HEALTH))


class AnnouncerContract:
    """Subclasses give fixtures ``announcer`` and ``calls`` of the same storage."""

    def test_announcement_is_a_story_of_its_own(
        self, announcer: Announcer, calls: CallRepository
    ) -> None:
        data = {"endpoint_id": "ep_1", "webhook_id": "101-1"}
        announcer.announce("default", "webhook.exhausted", data, NOW_MS)
        address = f"webhook/ep_1/{NOW_MS}"
        (event,) = calls.outbox("default", address, 1)
        assert (event.type, event.data) == ("webhook.exhausted", data)
        assert (event.seq, event.is_last, event.at_ms) == (1, True, NOW_MS)
        assert calls.outbox("other", address, 1) == ()

    def test_two_at_once_are_both_told(
        self, announcer: Announcer, calls: CallRepository
    ) -> None:
        data = {"endpoint_id": "ep_1"}
        for name in ("webhook.exhausted", "webhook.endpoint_disabled"):
            announcer.announce("default", name, data, NOW_MS)
        (first,) = calls.outbox("default", f"webhook/ep_1/{NOW_MS}", 1)
        (second,) = calls.outbox("default", f"webhook/ep_1/{NOW_MS + 1}", 1)
        assert first.type == "webhook.exhausted"
        assert second.type == "webhook.endpoint_disabled"
        assert first.event_id != second.event_id


class VaultContract:
    """Subclasses give a fixture ``vault``."""

    @pytest.mark.parametrize("secret", ["whsec_c2VjcmV0", "ü", "s" * 255])
    def test_open_what_was_sealed(self, vault: Vault, secret: str) -> None:
        sealed = vault.seal(secret, CONTEXT)
        assert secret not in sealed and sealed.isascii()
        assert vault.open(sealed, CONTEXT) == secret
        assert vault.open(sealed, CONTEXT) == secret

    def test_open_for_nothing_else(self, vault: Vault) -> None:
        sealed = vault.seal("secret", CONTEXT)
        assert vault.open(sealed, CONTEXT) == "secret"
        for other in ({**CONTEXT, "tenant": "other"}, {"tenant": "default"}):
            with pytest.raises(SealBroken):
                vault.open(sealed, other)

    def test_open_nothing_that_is_not_a_seal(self, vault: Vault) -> None:
        sealed = vault.seal("secret", CONTEXT)
        prefix = sealed.partition(":")[0]
        for text in ("", "secret", f"{prefix}:", f"{prefix}:!", f"{prefix}:c2VjcmV0"):
            with pytest.raises(SealBroken):
                vault.open(text, CONTEXT)
