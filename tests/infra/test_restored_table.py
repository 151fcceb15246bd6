"""A restored table in place of the stack's own, and what must not move meanwhile."""

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from infra.cdk_app import FLAGS
from infra.components.deployment import Deployment, Target
from infra.components.domain import InvalidDeployment
from infra.components.function import ParleyFunction
from infra.stacks.data import DataStack
from infra.wiring import SWEEP

ARN = "arn:aws:dynamodb:eu-central-1:123456789012:table/calls-restored"
STREAM_ARN = f"{ARN}/stream/2026-11-21T03:00:00.000"


def synthesised(tmp_path: Path, stream_arn: str) -> tuple[Any, Any]:
    """The templates of the data stack, and of one that uses its table."""
    code = tmp_path / "code"
    code.mkdir()
    (code / "entry.py").touch()
    app = cdk.App(outdir=str(tmp_path / "out"), context=FLAGS)
    deployment = Deployment(Target.AWS, code, table_stream_arn=stream_arn)
    data = DataStack(app, deployment)
    user = cdk.Stack(app, "User")
    ParleyFunction(user, SWEEP, deployment).use_table(data.table)
    out = Path(app.synth().directory)
    texts = (out / f"{name}.template.json" for name in ("ParleyData", "User"))
    data_template, user_template = (json.loads(text.read_text()) for text in texts)
    return data_template, user_template


def test_functions_use_the_restored_table_and_its_exports_stay(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "restored").mkdir()
    before, own = synthesised(tmp_path / "own", "")
    after, restored = synthesised(tmp_path / "restored", STREAM_ARN)
    exports = {
        output["Export"]["Name"]
        for output in before["Outputs"].values()
        if "Export" in output
    }
    kept = {
        output["Export"]["Name"]
        for output in after["Outputs"].values()
        if "Export" in output
    }
    assert exports and exports <= kept
    text = json.dumps(restored)
    assert f'"{ARN}"' in text and f"{ARN}/index/wake" in text
    assert '"PARLEY_TABLE": "calls-restored"' in text
    assert "Fn::ImportValue" in json.dumps(own) and "Fn::ImportValue" not in text
    assert before["Resources"].keys() == after["Resources"].keys()


@pytest.mark.parametrize("arn", [ARN, "calls-restored", f"{STREAM_ARN}/more"])
def test_what_is_no_stream_s_arn_stops_the_synthesis(tmp_path: Path, arn: str) -> None:
    with pytest.raises(InvalidDeployment, match="table_stream_arn"):
        Deployment(Target.AWS, tmp_path, table_stream_arn=arn)
