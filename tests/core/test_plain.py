"""Results become strict JSON whatever they hold."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.core.plain import plain, to_json
from evenhand.core.solution import RESULTS

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
values = st.recursive(leaves, lambda v: st.lists(v) | st.dictionaries(st.text(), v), max_leaves=20)


@given(value=values)
def test_any_nested_value_survives_a_strict_reader(value):
    assert json.loads(to_json(value), parse_constant=pytest.fail) == plain(value)


@given(value=values)
def test_plain_values_stay_as_they_are(value):
    assert plain(plain(value)) == plain(value)


def test_objects_become_their_parts():
    @dataclass
    class Point:
        x: np.ndarray
        path: Path

    assert plain(Point(np.arange(2), Path("a/b"))) == {"x": [0, 1], "path": "a/b"}
    assert plain({RESULTS.successful, RESULTS.infeasible}) == ["infeasible", "successful"]
    assert plain({1: np.float64("-inf")}) == {"1": "-inf"}


def test_what_has_no_plain_form_is_refused():
    with pytest.raises(TypeError, match="object has no plain form"):
        plain(object())
