"""The CDK application, for the ``cdk`` command and by itself.

``python -m infra.cdk_app`` synthesises into ``cdk.out`` with neither an account nor
the ``cdk`` command. Context: ``target=ministack`` for the emulated cloud;
``bundle=FOLDER`` deploys that folder in place of the bundle built here;
``push_sns_apps=JSON``, as ``PARLEY_PUSH_SNS_APPS``, lets functions push by SNS;
``domain=NAME`` with ``hosted_zone_id``, ``certificate_arn``, ``edge_certificate_arn``
gives everything a name of one's own; ``price_class=100|200|all`` and ``web_acl_arn``
are CloudFront's, for the console; ``workers=N``, ``most_workers=N``,
``worker_architecture=arm64|x86_64``, ``worker_variables=JSON``,
``worker_secrets=NAME,NAME``, ``recording_days=N`` and ``cloudfront_prefix_list=pl-…``
are the fleet's. ``table_stream_arn=ARN`` has everything use a table that was restored.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from infra import bundle
from infra.wiring import ROOT

if TYPE_CHECKING:
    import aws_cdk as cdk
    from aws_cdk import cx_api

# jsii greets every start on a Node that is past its end of life with a banner.
SILENCED = {"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "18,20"}

FLAGS = {"@aws-cdk/core:defaultCrossStackReferences": "strong"}
"""Behaviour that CDK wants to be told; here, for ``cdk.json`` is read by ``cdk`` only.

Strong: the table's stack cannot be changed under the stacks that use it.
"""

BUNDLES = {"aws": bundle.Target.CLOUD, "ministack": bundle.Target.LOCAL}


def synthesise(
    context: dict[str, str],
    outdir: Path,
    code: Path | None = None,
    image: Path | None = None,
) -> "cx_api.CloudAssembly":
    """Write the templates below ``outdir``; ``code`` stands in for the bundle, and
    ``image`` for the folder that the workers' image is made from."""
    for name, value in SILENCED.items():
        os.environ.setdefault(name, value)
    # Importing aws_cdk starts Node, which reads the variables above.
    import aws_cdk as cdk

    from infra.components.console_options import (
        PRICE_CLASS,
        WEB_ACL_ARN,
        ConsoleOptions,
    )
    from infra.components.deployment import Deployment, Target
    from infra.components.domain import DOMAIN_KEYS, Domain
    from infra.components.fleet_options import FLEET_KEYS, FleetOptions
    from infra.stacks.application import compose

    app = cdk.App(
        outdir=str(outdir), analytics_reporting=False, context=FLAGS | context
    )
    target = Target(app.node.try_get_context("target") or Target.AWS)
    folder = code or app.node.try_get_context("bundle")
    if folder is None:
        folder = bundle.build(BUNDLES[target])
    push_apps = app.node.try_get_context("push_sns_apps") or ""
    deployment = Deployment(
        target,
        Path(folder),
        push_apps,
        Domain.parse(_given(app, DOMAIN_KEYS)),
        ConsoleOptions.parse(_given(app, (PRICE_CLASS, WEB_ACL_ARN))),
        FleetOptions.parse(_given(app, FLEET_KEYS)),
        table_stream_arn=app.node.try_get_context("table_stream_arn") or "",
        image_context=image or ROOT,
    )
    compose(app, deployment)
    return app.synth()


def _given(app: "cdk.App", keys: Iterable[str]) -> dict[str, str]:
    """What the context says of them, from wherever CDK has it."""
    values = {key: app.node.try_get_context(key) for key in keys}
    return {key: str(value) for key, value in values.items() if value is not None}


def describe(assembly: "cx_api.CloudAssembly") -> str:
    """One line for each stack: its name, how large it is, where its template is."""
    lines = []
    for stack in assembly.stacks:
        template = Path(stack.template_full_path)
        resources = json.loads(template.read_text(encoding="utf-8"))["Resources"]
        place = os.path.relpath(template, ROOT)
        lines.append(f"{stack.stack_name:<14}{len(resources):>4} resources  {place}")
    return "\n".join(lines)


def _context(arguments: list[str]) -> dict[str, str]:
    parser = argparse.ArgumentParser(description="Synthesise Parley's stacks.")
    parser.add_argument(
        "-c", "--context", action="append", default=[], metavar="KEY=VALUE"
    )
    pairs = parser.parse_args(arguments).context
    return dict(pair.split("=", 1) for pair in pairs)


def main() -> None:
    """Synthesise where the ``cdk`` command asks for it, or into ``cdk.out``."""
    outdir = Path(os.environ.get("CDK_OUTDIR", ROOT / "cdk.out"))
    if "CDK_OUTDIR" not in os.environ:
        # Every change of the code would leave one more copy of the bundle here.
        shutil.rmtree(outdir, ignore_errors=True)
    assembly = synthesise(_context(sys.argv[1:]), outdir)
    sys.stdout.write(f"{describe(assembly)}\n")


if __name__ == "__main__":
    main()
