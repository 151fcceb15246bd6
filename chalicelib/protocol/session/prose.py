"""What the source says of a record and of its fields: its docstrings."""

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import pairwise

from chalicelib.protocol.session.records import Record


def about(record: type[Record]) -> str:
    """The record's own docstring, as one paragraph."""
    return flowing(inspect.getdoc(record) or "")


def about_fields(record: type[Record]) -> Mapping[str, str]:
    """The docstrings that stand under fields, by attribute, inherited ones too."""
    told: dict[str, str] = {}
    for base in reversed(record.__mro__):
        if issubclass(base, Record):
            told.update(_of_module(base.__module__)[base.__name__])
    return told


def flowing(text: str) -> str:
    """Without the lines' ends."""
    return " ".join(text.split())


@cache
def _of_module(name: str) -> Mapping[str, Mapping[str, str]]:
    """By class. Its source is read once."""
    body = ast.parse(inspect.getsource(sys.modules[name])).body
    classes = (node for node in body if isinstance(node, ast.ClassDef))
    return {node.name: dict(_under_fields(node)) for node in classes}


def _under_fields(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for field, below in pairwise(node.body):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, flowing(text)
