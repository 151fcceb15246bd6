"""What every repository of API keys, and of limits' windows, must do."""

from dataclasses import replace

import pytest

from chalicelib.protocol.vocabulary import Role
from chalicelib.services.identity.keys import ApiKey, KeyRepository, digest_of
from chalicelib.services.identity.limits import WindowRepository
from chalicelib.services.ports import Conflict
from tests.builders import NOW_MS

KEY = ApiKey(
    tenant="default",
    id="key_00000000000000a1",
    name="shop · 店",
    role=Role.SERVER,
    digest=digest_of("secret"),
    created_at_ms=NOW_MS,
    created_by="root",
    expires_at_ms=NOW_MS + 60_000,
)
OTHER = replace(KEY, id="key_00000000000000a2", role=Role.ADMIN, expires_at_ms=None)
THEIRS = replace(KEY, tenant="acme")
WINDOW = NOW_MS // 60_000


class KeyRepositoryContract:
    """Subclasses give a fixture ``keys`` with an empty repository."""

    def test_key_is_found_as_it_was_added(self, keys: KeyRepository) -> None:
        assert keys.find(KEY.tenant, KEY.id) is None
        for key in (KEY, OTHER, THEIRS):
            keys.add(key)
        for key in (KEY, OTHER, THEIRS):
            assert keys.find(key.tenant, key.id) == key
        assert keys.find("acme", OTHER.id) is None

    def test_key_is_added_once(self, keys: KeyRepository) -> None:
        keys.add(KEY)
        with pytest.raises(Conflict):
            keys.add(replace(KEY, digest=digest_of("another")))
        assert keys.find(KEY.tenant, KEY.id) == KEY

    def test_keys_are_listed_by_tenant(self, keys: KeyRepository) -> None:
        assert keys.of_tenant("default", 10) == ()
        for key in (OTHER, THEIRS, KEY):
            keys.add(key)
        assert keys.of_tenant("default", 10) == (KEY, OTHER)
        assert keys.of_tenant("default", 1) == (KEY,)
        assert keys.of_tenant("acme", 10) == (THEIRS,)

    def test_key_is_revoked(self, keys: KeyRepository) -> None:
        keys.add(KEY)
        revoked = KEY.revoked(NOW_MS + 1)
        keys.revoke(revoked)
        keys.revoke(revoked)
        assert keys.find(KEY.tenant, KEY.id) == revoked

    def test_key_that_is_gone_is_not_revoked(self, keys: KeyRepository) -> None:
        with pytest.raises(Conflict):
            keys.revoke(KEY.revoked(NOW_MS))
        assert keys.find(KEY.tenant, KEY.id) is None


class WindowRepositoryContract:
    """Subclasses give a fixture ``windows`` with an empty repository."""

    def test_limit_is_granted_by_blocks(self, windows: WindowRepository) -> None:
        granted = [windows.take("default", "alice", WINDOW, 10, 25) for _ in range(5)]
        assert granted == [10, 10, 5, 0, 0]

    def test_small_limit_is_granted_whole(self, windows: WindowRepository) -> None:
        granted = [windows.take("default", "alice", WINDOW, 10, 3) for _ in range(2)]
        assert granted == [3, 0]

    def test_everybody_and_every_window_has_its_own(
        self, windows: WindowRepository
    ) -> None:
        for tenant, uid, window in (
            ("default", "alice", WINDOW),
            ("default", "bob", WINDOW),
            ("acme", "alice", WINDOW),
            ("default", "alice#1", WINDOW),
            ("default", "alice", WINDOW + 1),
        ):
            assert windows.take(tenant, uid, window, 10, 10) == 10
            assert windows.take(tenant, uid, window, 10, 10) == 0
