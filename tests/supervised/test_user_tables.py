"""Tables of the user: what is read as what, and what each unusable table is told."""

import numpy as np
import polars as pl
import pytest

from evenhand.core.errors import InputError
from evenhand.supervised import load_table


def people(num_rows=60, **changed):
    """Applicants with two targets; both groups and both labels in every part."""
    rng = np.random.default_rng(0)
    columns = {
        "age": rng.integers(18, 70, num_rows).tolist(),
        "city": rng.choice(["Bonn", "Köln", "Ulm"], num_rows).tolist(),
        "sex": [("f", "m", "m")[i % 3] for i in range(num_rows)],
        "repaid": rng.integers(0, 2, num_rows).tolist(),
        "moved": rng.choice(["yes", "no"], num_rows).tolist(),
    }
    return columns | changed


def load(columns, **options):
    asked = {"targets": ["repaid", "moved"], "group": "sex", "positive": {"moved": "yes"}}
    return load_table(columns, **(asked | options))


def test_every_value_lands_where_its_column_says():
    columns = people()
    table = load(columns)
    assert table.task_names == ("repaid", "moved")
    assert table.group_names == ("m", "f")  # the rarer is protected
    assert table.feature_names[0] == "age"
    assert {name.split("=")[0] for name in table.feature_names} == {"age", "city", "sex"}
    sizes = [len(table.part(part)[2]) for part in ("train", "val", "test")]
    assert sizes == [29, 13, 18]
    # Without a seed's draw, with the parts named, rows keep their order and can be told apart.
    split = ["train"] * 30 + ["val"] * 15 + ["test"] * 15
    named = load(columns | {"split": split}, split="split")
    assert named.s_val.tolist() == [int(sex == "f") for sex in columns["sex"][30:45]]
    assert named.Y_test[:, 0].tolist() == columns["repaid"][45:]
    assert named.Y_test[:, 1].tolist() == [int(word == "yes") for word in columns["moved"][45:]]
    ages = np.array(columns["age"][:30])
    expected = (np.array(columns["age"][45:]) - ages.mean()) / ages.std()
    assert np.allclose(named.X_test[:, 0], expected, atol=1e-6)
    assert not any("split" in name for name in named.feature_names)


def test_a_file_a_frame_and_a_mapping_are_the_same_table(tmp_path):
    frame = pl.DataFrame(people())
    frame.write_csv(tmp_path / "people.csv")
    frame.write_parquet(tmp_path / "people.parquet")
    kinds = [
        load(x) for x in (frame, people(), tmp_path / "people.csv", tmp_path / "people.parquet")
    ]
    for other in kinds[1:]:
        assert np.array_equal(other.X_train, kinds[0].X_train)
        assert np.array_equal(other.Y_test, kinds[0].Y_test)
    assert kinds[2].name == "people.csv"


def test_the_two_seeds_draw_the_two_splits():
    first, other_val, other_test = (
        load(people()),
        load(people(), val_seed=1),
        load(people(), test_seed=1),
    )
    assert np.array_equal(first.Y_test, other_val.Y_test)
    assert not np.array_equal(first.X_val[:, 0], other_val.X_val[:, 0])
    assert not np.array_equal(first.Y_test, other_test.Y_test)


def test_inputs_can_be_named_left_out_and_missing():
    columns = people()
    coded = load(columns, numeric=[], categorical=["age", "city"])
    assert all(name.startswith(("age=", "city=")) for name in coded.feature_names)
    assert load(columns, exclude=["city"], include_protected=False).feature_names == ("age",)
    columns["age"] = [None if i % 5 == 0 else age for i, age in enumerate(columns["age"])]
    columns["city"] = [None if i % 4 == 0 else city for i, city in enumerate(columns["city"])]
    gaps = load(columns)
    assert {"age=missing", "city=missing"} <= set(gaps.feature_names)
    assert np.isfinite(gaps.X_test).all()


def test_with_more_than_two_groups_the_named_one_is_compared_with_everybody_else():
    columns = people(sex=[("a", "b", "c")[i % 3] for i in range(60)])
    table = load(columns, protected="b")
    assert table.group_names == ("not b", "b")
    shares = [table.part(part)[2] for part in ("train", "val", "test")]
    assert np.concatenate(shares).mean() == pytest.approx(1 / 3)
    flipped = load(people(), protected="m")
    assert np.array_equal(flipped.s_test, 1 - load(people()).s_test)


@pytest.mark.parametrize(
    ("columns", "options", "words"),
    [
        (people(), {"targets": ["repayd"]}, "did you mean 'repaid'"),
        (people(), {"targets": "repaid"}, "is no list of columns"),
        (people(), {"targets": []}, "is no list of columns"),
        (people(), {"group": "race"}, "column 'race'"),
        (people(), {"numeric": ["ages"]}, "did you mean 'age'"),
        (people(), {"positive": {}}, "holds 'no', 'yes'; say which one counts as 1"),
        (people(), {"positive": {"moved": "maybe"}}, "no value 'maybe'"),
        (people(), {"positive": {"moved": "yes", "repayd": 0}}, "did you mean 'repaid'"),
        (people(repaid=[0, 1, 2] * 20), {}, "3 different value"),
        (people(repaid=[1] * 60), {}, "1 different value"),
        (people(repaid=[0.5, 1.5] * 30), {}, "holds '0.5', '1.5'"),
        (people(repaid=[None, 1, 0] * 20), {}, "missing in 20 of 60"),
        (people(sex=["f", "m", "d"] * 20), {}, "holds 3 values"),
        (people(sex=["f"] * 60), {}, "compares two groups"),
        (people(sex=["f", None] * 30), {}, "missing in 30 of 60"),
        (people(), {"protected": "female"}, "no value 'female'"),
        (people(sex=["f"] + ["m"] * 59), {}, "has nobody of group 'f'"),
        (people(), {"group": "repaid"}, "named once more"),
        (people(), {"numeric": ["city"]}, "named in numeric and holds String"),
        (people(), {"numeric": ["age"], "categorical": ["age"]}, "one input twice"),
        (people(), {"exclude": ["age", "city", "sex"]}, "no input"),
        (people(age=[[1]] * 60), {}, r"holds List\(Int64\); exclude it"),
        (people(), {"split": "city"}, "should hold train, val, test"),
        (people(), {"test_share": 0.0}, "test_share = 0.0"),
        (people(num_rows=0), {}, "no rows"),
        (7, {}, "is a int; give a path"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(columns, options, words):
    with pytest.raises(InputError, match=words):
        load(columns, **options)


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(InputError, match="there is no file"):
        load(tmp_path / "nobody.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(InputError, match="is empty"):
        load(tmp_path / "empty.csv")
    (tmp_path / "header.csv").write_text("age,city,sex,repaid,moved\n")
    with pytest.raises(InputError, match="no rows"):
        load(tmp_path / "header.csv")
