"""What a JSON Schema of ours lets pass, as hypothesis draws it from it alone."""

from typing import Any

from hypothesis import strategies as st

from tests.protocol.session.strategies import JSON, OBJECTS, PRINTABLE

Schema = dict[str, Any]

SHORT = 12
LONGEST_TIMES = r"(?:[0-9]{1,3}|[0-9]{1,6}ms|[1-5]?[0-9]m|[0-9]{1,3}s)"
"""As far as a text of a duration can be told good by its form."""


class Drawing:
    """Draws by the definitions of one document."""

    def __init__(self, document: Schema) -> None:
        self._definitions = document["$defs"]

    def of(self, name: str) -> st.SearchStrategy[Any]:
        """Of a definition."""
        drawn = self._value(self._definitions[name])
        return drawn.map(_as_audio) if "then" in self._definitions[name] else drawn

    def _value(self, schema: Schema) -> st.SearchStrategy[Any]:
        if "$ref" in schema:
            return self.of(schema["$ref"].rpartition("/")[2])
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return st.one_of([self._value(one) for one in schema[several]])
        if "const" in schema:
            return st.just(schema["const"])
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        types = schema.get("type")
        if types is None:
            return JSON.filter(lambda value: "not" not in schema or value is not None)
        names = types if isinstance(types, list) else [types]
        return st.one_of([self._typed(name, schema) for name in names])

    def _typed(self, name: str, schema: Schema) -> st.SearchStrategy[Any]:
        low, high = schema.get("minimum"), schema.get("maximum")
        match name:
            case "null":
                return st.none()
            case "boolean":
                return st.booleans()
            case "integer":
                return st.integers(low, high) | st.integers(low, high).map(_as_float)
            case "number":
                return st.floats(low, high) | st.integers(low, high)
            case "string":
                return _text(schema)
            case "array":
                most = min(schema["maxItems"], 3)
                return st.lists(self._value(schema["items"]), max_size=most)
            case _:
                return self._object(schema)

    def _object(self, schema: Schema) -> st.SearchStrategy[Any]:
        if "propertyNames" in schema:
            names = _text(schema["propertyNames"])
            values = self._value(schema["additionalProperties"])
            return st.dictionaries(names, values, max_size=3)
        if "properties" not in schema:
            return OBJECTS
        drawn = {key: self._value(one) for key, one in schema["properties"].items()}
        required = set(schema.get("required", ()))
        return st.fixed_dictionaries(
            {key: drawn[key] for key in drawn if key in required},
            optional={key: drawn[key] for key in drawn if key not in required},
        )


def _text(schema: Schema) -> st.SearchStrategy[str]:
    pattern = schema.get("pattern")
    if pattern is None or pattern.startswith(r"^[^\x00"):
        return st.text(PRINTABLE, max_size=min(schema.get("maxLength", SHORT), SHORT))
    if "ms|s|m" in pattern:
        pattern = LONGEST_TIMES
    if "format" in schema:
        pattern = r"20[0-9]{2}-0[1-9]-[12][0-9]T1[0-9]:[0-5][0-9]:[0-5][0-9]Z"
    return st.from_regex(pattern.replace(r"$(?!\n)", r"\Z"), fullmatch=True)


def _as_audio(command: Schema) -> Schema:
    """Whose text is base64 where it says so: ``if`` and ``then`` in one."""
    return {**command, "text": "AAAA"} if command.get("base64") else command


def _as_float(number: int) -> float | int:
    return float(number) if abs(number) < 2**53 else number
