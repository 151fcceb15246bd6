"""Records the kinds of the present version that have no file yet."""

import json
import os
from pathlib import Path
from typing import Any

import boto3
from moto import mock_aws

from chalicelib.adapters.dynamodb import rows
from chalicelib.protocol.envelope import CURRENT
from tests.adapters.golden.kinds import KINDS, Kind, plain
from tests.adapters.tables import create_table

FOLDER = Path(__file__).parent / f"v{CURRENT}"


def record(name: str, kind: Kind) -> None:
    with mock_aws():
        client: Any = boto3.client("dynamodb")
        create_table(client, name)
        table = rows.table(name)
        kind.write(table)
        items = client.scan(TableName=name)["Items"]
        told = {"items": items, "read": plain(kind.read(table))}
    text = json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False)
    (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    FOLDER.mkdir(exist_ok=True)
    for _name, _kind in KINDS.items():
        if not (FOLDER / f"{_name}.json").exists():
            record(_name, _kind)
