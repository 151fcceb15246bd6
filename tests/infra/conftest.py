"""The stacks, synthesised once for all tests here."""

import os

import pytest

from infra.cdk_app import SILENCED
from tests.infra.synthesis import Synthesis, synthesise_below

# Before a test module imports aws_cdk.
os.environ.update(SILENCED)


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """What is deployed to AWS."""
    return synthesise_below(tmp_path_factory.mktemp("aws"), "aws")


@pytest.fixture(scope="session")
def ministack(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """What is deployed to MiniStack."""
    return synthesise_below(tmp_path_factory.mktemp("ministack"), "ministack")
