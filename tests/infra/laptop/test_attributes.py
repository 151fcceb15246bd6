"""Items as JSON, there and back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.laptop import attributes

SCALARS = st.one_of(
    st.builds(lambda text: {"S": text}, st.text()),
    st.builds(lambda number: {"N": str(number)}, st.integers()),
    st.builds(lambda raw: {"B": raw}, st.binary()),
    st.builds(lambda raws: {"BS": raws}, st.lists(st.binary())),
    st.just({"NULL": True}),
)
NAMES = st.sampled_from(["pk", "B", "BS", "M", "x"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.builds(lambda values: {"L": values}, st.lists(inner)),
        st.builds(lambda values: {"M": values}, st.dictionaries(NAMES, inner)),
    ),
)


@given(st.dictionaries(NAMES, VALUES))
def test_parse_what_was_rendered(item: dict[str, Any]) -> None:
    assert attributes.parse(attributes.render(item)) == item


def test_render_binary_as_a_stream_does() -> None:
    assert attributes.render({"raw": {"B": b"\x00\xff"}}) == '{"raw":{"B":"AP8="}}'


def test_refuse_what_no_item_holds() -> None:
    with pytest.raises(TypeError, match="set is no part of an item"):
        attributes.render({"a": {1}})
