"""The templates of the stacks, and questions to ask of them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.cdk_app import synthesise

Resource = dict[str, Any]


@dataclass(frozen=True)
class Synthesis:
    """The templates of one target, as CloudFormation is given them."""

    folder: Path
    templates: dict[str, dict[str, Any]]

    def of_type(self, kind: str, stack: str | None = None) -> dict[str, Resource]:
        """The properties of every resource of ``kind``, by logical id."""
        return {
            name: resource.get("Properties", {})
            for of, template in self.templates.items()
            if stack in (None, of)
            for name, resource in template["Resources"].items()
            if resource["Type"] == kind
        }

    def named(self, kind: str, name: str) -> Resource:
        """The one resource of ``kind`` whose logical id begins with ``name``."""
        (found,) = (
            (key, one)
            for key, one in self.of_type(kind).items()
            if key.startswith(name)
        )
        return found[1]

    @property
    def functions(self) -> dict[str, Resource]:
        """Ours, by logical id: all but CDK's own, which fills the console's bucket."""
        return {
            name: one
            for name, one in self.of_type("AWS::Lambda::Function").items()
            if "Layers" not in one
        }

    def function(self, handler: str) -> Resource:
        """The one function with ``handler``."""
        (found,) = (
            one
            for one in self.of_type("AWS::Lambda::Function").values()
            if one["Handler"] == handler
        )
        return found

    def statements(self, function: Resource) -> list[Resource]:
        """Everything that the function's role permits."""
        role = function["Role"]["Fn::GetAtt"][0]
        return [
            statement
            for policy in self.of_type("AWS::IAM::Policy").values()
            if {"Ref": role} in policy["Roles"]
            for statement in policy["PolicyDocument"]["Statement"]
        ]


def synthesise_below(folder: Path, target: str, **context: str) -> Synthesis:
    """The stacks for ``target``; the code in them does not matter here."""
    code = folder / "code"
    code.mkdir()
    (code / "entry.py").touch()
    image = folder / "image"
    (image / "media-worker").mkdir(parents=True)
    (image / "media-worker" / "Dockerfile").write_text("FROM scratch\n")
    out = folder / "cdk.out"
    synthesise({"target": target, **context}, out, code, image)
    templates = {
        path.name.removesuffix(".template.json"): json.loads(path.read_text())
        for path in out.glob("*.template.json")
    }
    return Synthesis(out, templates)
