"""``python -m infra.restore``: the table as it was at some moment, in a new table.

Without ``--execute`` it only says what it would do. The old table is never touched, and
nothing uses the new one until it is deployed with ``-c table_stream_arn=``.
"""

import argparse
import sys
import time
from datetime import UTC, datetime
from typing import Any

from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.dynamodb import rows
from infra.restoring.findings import Findings, look
from infra.restoring.table import RestoreFailed, Tables

NEXT = """\
Nothing uses {target} yet. To switch everything to it:
  npx cdk deploy --all -c table_stream_arn={stream_arn}
and put it into cdk.json's context, so that later deployments keep it. Live calls whose
time has passed end with the first sweep, within a minute. To leave it at the drill:
  aws dynamodb update-table --table-name {target} --no-deletion-protection-enabled
  aws dynamodb delete-table --table-name {target}
"""


def main(arguments: list[str], client: Any = None) -> int:
    """The exit status: 1 when it cannot be done, or does not hold together."""
    asked = parse(arguments)
    tables = Tables(client or _client(), time.monotonic, time.sleep)
    try:
        return _run(tables, asked)
    except RestoreFailed as reason:
        sys.stderr.write(f"{reason}\n")
        return 1


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m infra.restore", description=__doc__
    )
    parser.add_argument("--table", required=True, help="the output TableName")
    parser.add_argument("--to", help="the new table's name; <table>-restored")
    parser.add_argument(
        "--at", type=_moment, help="ISO 8601 with its zone; the latest that there is"
    )
    parser.add_argument("--execute", action="store_true", help="do it")
    asked = parser.parse_args(arguments)
    asked.to = asked.to or f"{asked.table}-restored"
    return asked


def _moment(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise argparse.ArgumentTypeError("the moment needs a zone, as in 12:00:00Z")
    return at.astimezone(UTC)


def _run(tables: Tables, asked: argparse.Namespace) -> int:
    source, target = asked.table, asked.to
    window = tables.window(source)
    window.check(asked.at)
    if tables.is_there(target):
        raise RestoreFailed(f"there is a table {target} already: name another by --to")
    at = asked.at or window.latest
    if not asked.execute:
        sys.stdout.write(
            f"Would restore {source} as of {at.isoformat()} to {target}, and look at "
            "it.\nNothing was done: add --execute.\n"
        )
        return 0
    seconds = tables.restore(source, target, asked.at)
    stream_arn = tables.complete(target)
    sys.stdout.write(f"{target} was there after {seconds:.0f} s.\n")
    findings = _look(target)
    sys.stdout.write(f"{findings.render()}\n")
    sys.stdout.write(NEXT.format(target=target, stream_arn=stream_arn))
    return 1 if findings.broken else 0


def _look(target: str) -> Findings:
    items = rows.table(target).scan(consistent_read=True)
    return look(items, SystemClock().now_ms())


def _client() -> Any:
    # Only for operators: the product's own clients are botocore's.
    import boto3

    return boto3.client("dynamodb")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
