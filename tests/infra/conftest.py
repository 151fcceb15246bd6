"""The stacks, synthesised once for all tests here."""

import pytest

from tests.infra.synthesis import Synthesis, synthesise_below


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """What is deployed to AWS."""
    return synthesise_below(tmp_path_factory.mktemp("aws"), "aws")


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """What is deployed to MiniStack."""
    return synthesise_below(tmp_path_factory.mktemp("ministack"), "ministack")
