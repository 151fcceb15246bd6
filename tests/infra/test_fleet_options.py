"""What the context may say of the fleet."""

import pytest

from infra.components.domain import InvalidDeployment
from infra.components.fleet_options import FLEET_KEYS, FleetOptions
from infra.wiring import WORKER


def test_say_nothing() -> None:
    options = FleetOptions.parse({})
    assert options == FleetOptions()
    assert FleetOptions.parse(dict.fromkeys(FLEET_KEYS, "")) == options
    assert options.workers == WORKER.least
    assert options.architecture == "arm64"


def test_say_everything() -> None:
    options = FleetOptions.parse(
        {
            "workers": "30",
            "worker_architecture": "x86_64",
            "worker_variables": '{"PARLEY_CAPACITY": "100"}',
            "worker_secrets": "TURN_SECRET, ,PARLEY_JWT_SECRET",
            "recording_days": "90",
            "cloudfront_prefix_list": "pl-3b927c52",
        }
    )
    assert options == FleetOptions(
        workers=30,
        most_workers=30,
        architecture="x86_64",
        variables={"PARLEY_CAPACITY": "100"},
        secrets=("TURN_SECRET",),
        recording_days=90,
        cloudfront_prefix_list="pl-3b927c52",
    )


@pytest.mark.parametrize(
    ("context", "sentence"),
    [
        ({"workers": "0"}, "workers is from 1 to 1000, not '0'."),
        ({"workers": "two"}, "workers is from 1 to 1000, not 'two'."),
        ({"workers": "3", "most_workers": "2"}, "most_workers is from 3 to 1000"),
        ({"worker_architecture": "riscv"}, "worker_architecture is arm64 or x86_64"),
        ({"worker_variables": "{"}, "worker_variables is a JSON object"),
        ({"worker_variables": "[]"}, "worker_variables is a JSON object"),
        ({"worker_variables": '{"A": 1}'}, "worker_variables is a JSON object"),
        ({"worker_variables": '{"a b": "1"}'}, "worker_variables is a JSON object"),
        (
            {"worker_variables": '{"TURN_SECRET": "x"}'},
            "worker_variables has TURN_SECRET, which everybody could read there",
        ),
        ({"worker_secrets": "a b"}, "worker_secrets is names of variables"),
        ({"recording_days": "-1"}, "recording_days is from 0 to 3650"),
        ({"cloudfront_prefix_list": "sg-1"}, "cloudfront_prefix_list is the id"),
    ],
)
def test_refuse_what_cannot_be_deployed(context: dict[str, str], sentence: str) -> None:
    with pytest.raises(InvalidDeployment, match=sentence):
        FleetOptions.parse(context)
