"""The emulated cloud with Parley in it, and a business that listens to it."""

import json
from collections.abc import Iterator

import pytest

from infra.deployed import Cloud
from infra.ministack import MiniStack
from tests.e2e.receiver import WebhookReceiver

JWT_SECRET = "signs-the-tokens-of-the-tests-and-nothing-else"
WEBHOOK_SECRET = "signs-the-webhooks-of-the-tests-and-nothing-else"


@pytest.fixture(scope="session")
def business() -> Iterator[WebhookReceiver]:
    with WebhookReceiver(WEBHOOK_SECRET) as receiver:
        yield receiver


@pytest.fixture(scope="session")
def cloud(
    tmp_path_factory: pytest.TempPathFactory, business: WebhookReceiver
) -> Iterator[Cloud]:
    """Deployed once for all tests; what they need to know is in its secret."""
    endpoint = {"url": business.url, "secret": business.secret, "timeout": 5}
    with MiniStack(tmp_path_factory.mktemp("ministack")) as stack:
        deployed = stack.deploy()
        deployed.set_variables(
            PARLEY_JWT_SECRET=JWT_SECRET,
            LIVEKIT_URL="ws://127.0.0.1:7880",
            LIVEKIT_API_KEY="devkey",
            LIVEKIT_API_SECRET="mints-the-credentials-of-the-tests-and-no-others",
            BUSINESS_WEBHOOK_ENDPOINTS=json.dumps([endpoint]),
            PARLEY_WEBHOOK_SCHEDULE="0,2,6,300,3600",
        )
        yield deployed
