"""Both vaults keep the contract; KMS on moto."""

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from moto.moto_api._internal.models import moto_api_backend

from chalicelib.adapters import vault_kms
from chalicelib.adapters.vault_kms import KEPT_MS, KmsVault
from chalicelib.adapters.vault_local import LocalVault
from chalicelib.services.vault import SealBroken, VaultFailed
from tests.adapters.endpoints_contract import CONTEXT, VaultContract
from tests.builders import FakeClock, FakeDraws

KEY = "a-secret-of-at-least-thirty-two-bytes"


class TestLocalVault(VaultContract):
    @pytest.fixture
    def vault(self) -> LocalVault:
        return LocalVault(KEY, FakeDraws())

    def test_another_secret_opens_nothing(self, vault: LocalVault) -> None:
        sealed = vault.seal("secret", CONTEXT)
        with pytest.raises(SealBroken):
            LocalVault(KEY * 2, FakeDraws()).open(sealed, CONTEXT)

    def test_the_same_is_sealed_differently(self, vault: LocalVault) -> None:
        assert vault.seal("secret", CONTEXT) != vault.seal("secret", CONTEXT)


class TestKmsVault(VaultContract):
    @pytest.fixture
    def kms(self, moto_aws: None) -> Any:
        moto_api_backend.reset()
        return boto3.client("kms")

    @pytest.fixture
    def vault(self, kms: Any) -> KmsVault:
        key = kms.create_key()["KeyMetadata"]["Arn"]
        return KmsVault(lambda: kms, key, FakeClock())


class FakeKms:
    """Counts what it is asked, and fails as it is told."""

    def __init__(self) -> None:
        self.opened = 0
        self.failure: Exception | None = None

    def encrypt(self, **what: Any) -> dict[str, bytes]:
        self._fail()
        return {"CiphertextBlob": what["Plaintext"][::-1]}

    def decrypt(self, **what: Any) -> dict[str, bytes]:
        self._fail()
        self.opened += 1
        return {"Plaintext": what["CiphertextBlob"][::-1]}

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}}, "Decrypt")


def test_opened_is_kept_for_a_while() -> None:
    kms, clock = FakeKms(), FakeClock()
    vault = KmsVault(lambda: kms, "key", clock)
    sealed = vault.seal("secret", CONTEXT)
    for _ in range(3):
        assert vault.open(sealed, CONTEXT) == "secret"
    assert kms.opened == 1
    vault.open(sealed, {"tenant": "other"})
    assert kms.opened == 2
    clock.pass_ms(KEPT_MS)
    assert vault.open(sealed, CONTEXT) == "secret"
    assert kms.opened == 3


def test_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_kms, "MOST_KEPT", 2)
    kms = FakeKms()
    vault = KmsVault(lambda: kms, "key", FakeClock())
    first, *others = [vault.seal(f"secret-{n}", CONTEXT) for n in range(3)]
    for sealed in (first, *others, *others):
        vault.open(sealed, CONTEXT)
    assert kms.opened == 3
    vault.open(first, CONTEXT)
    assert kms.opened == 4


@pytest.mark.parametrize(
    "failure, is_broken",
    [
        (client_error("InvalidCiphertextException"), True),
        (client_error("IncorrectKeyException"), True),
        (client_error("ThrottlingException"), False),
        (client_error("AccessDeniedException"), False),
        (ReadTimeoutError(endpoint_url="https://kms"), False),
    ],
)
def test_failure_of_kms_is_the_vault_s(failure: Exception, is_broken: bool) -> None:
    kms = FakeKms()
    vault = KmsVault(lambda: kms, "key", FakeClock())
    sealed = vault.seal("secret", CONTEXT)
    kms.failure = failure
    with pytest.raises(VaultFailed) as caught:
        vault.open(sealed, CONTEXT)
    assert isinstance(caught.value, SealBroken) == is_broken
    with pytest.raises(VaultFailed):
        vault.seal("secret", CONTEXT)
