import gzip
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.core.errors import InputError
from evenhand.data.loan_file import read_table
from evenhand.data.records import RecordOptions, check_records

OPTIONS = RecordOptions(outcome="defaulted", group="sex")


def loans(n=600):
    i = np.arange(n)
    return pl.DataFrame(
        {
            "sex": np.where(i % 3 == 0, "f", "m"),
            "age": 20 + i % 50,
            "score": 300.0 + i,
            "status": np.where(i % 4 == 0, "Charged Off", "Fully Paid"),
            "defaulted": (i % 4 == 0).astype(int),
        }
    )


def check(table, **changes):
    return check_records(table, replace(OPTIONS, **changes), "loans.csv")


@pytest.mark.parametrize("name", ["l.csv", "l.csv.gz", "l.parquet"])
def test_every_format_holds_the_same_records(name, tmp_path):
    path = tmp_path / name
    if name.endswith("parquet"):
        loans().write_parquet(path)
    else:
        text = loans().write_csv().encode()
        path.write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    assert read_table(path).equals(loans())


GZ = gzip.compress(loans().write_csv().encode())
# file name -> (contents, words of the message)
BAD_FILES = {
    "empty.csv": (b"", "is empty"),
    "empty.csv.gz": (gzip.compress(b""), "no column names"),
    "empty.parquet": (b"", "is empty"),
    "header.csv": (b"sex,defaulted\n", "no rows"),
    "notgz.csv.gz": (b"sex,defaulted\nf,1\n", "not a whole gzip"),
    "cut.csv.gz": (GZ[:200], "not a whole gzip"),
    "broken.csv.gz": (GZ[:100] + b"xxxxxxxxxxxx" + GZ[112:], "not a whole gzip"),
    "text.parquet": (b"sex,defaulted\nf,1\n", "not a whole parquet"),
    "inner.parquet": (b"PAR1" + b"x" * 50 + b"PAR1", "cannot be read as parquet"),
    "loans.xlsx": (b"PK", "does not end in"),
    "loans": (b"a,b\n1,2\n", "does not end in"),
    "latin.csv": ("größe,b\n1,2\n".encode("latin-1"), "not text in UTF-8"),
    "twice.csv": (b"a,b,a\n1,2,3\n", "more than one column named 'a'"),
    "semicolon.csv": (b"a;b\n1;2\n", "commas"),
    "ragged.csv": (b"a,b\n1,2,3\n4\n", "cannot be read as CSV"),
    "blank.csv": (b"\n\n", "no column names"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_cannot_be_read_is_one_sentence_naming_it(name, tmp_path):
    contents, words = BAD_FILES[name]
    path = tmp_path / name
    path.write_bytes(contents)
    with pytest.raises(InputError, match=words) as error:
        read_table(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


@given(keep=st.integers(1, 3000))
def test_a_truncated_parquet_is_an_input_error(keep, tmp_path_factory):
    path = tmp_path_factory.mktemp("p") / "l.parquet"
    loans().write_parquet(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: keep % len(whole)])
    with pytest.raises(InputError, match=r"parquet|empty"):
        read_table(path)


@given(at=st.integers(4, 3000), byte=st.integers(0, 255))
def test_a_damaged_parquet_never_ends_in_another_error(at, byte, tmp_path_factory):
    path = tmp_path_factory.mktemp("p") / "l.parquet"
    loans().write_parquet(path)
    whole = bytearray(path.read_bytes())
    whole[4 + at % (len(whole) - 8)] = byte
    path.write_bytes(whole)
    try:
        read_table(path)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_no_file_and_a_folder_say_so(tmp_path):
    loans().write_csv(tmp_path / "loans.csv")
    with pytest.raises(InputError, match=r"holds loans\.csv"):
        read_table(tmp_path / "loan.csv")
    with pytest.raises(InputError, match="is a folder"):
        read_table(tmp_path)


TABLE = loans()
NULL = pl.lit(None)
# what is wrong -> (table, options, words of the message)
BAD_RECORDS = {
    "outcome": (TABLE, {"outcome": "default"}, "did you mean 'defaulted'"),
    "group": (TABLE, {"group": "gender"}, "no column 'gender'"),
    "score": (TABLE, {"score": "skore"}, "did you mean 'score'"),
    "same": (TABLE, {"group": "defaulted"}, "name one column twice"),
    "three rows": (TABLE.head(3), {}, "3 usable rows"),
    "null": (TABLE.with_columns(sex=pl.when(pl.col("age") > 60).then(NULL).otherwise("sex")), {},
             "in 'sex'.*--drop-missing"),
    "nan": (TABLE.with_columns(score=pl.when(pl.col("age") > 60).then(float("nan")).otherwise(1.0)
                               .fill_nan(None)), {"score": "score"}, "in 'score'.*--drop-missing"),
    "infinite": (TABLE.with_columns(score=float("inf")), {"score": "score"}, "600 in 'score'"),
    "all null": (TABLE.with_columns(sex=NULL), {"drop_missing": True}, "0 usable rows"),
    "many outcomes": (TABLE, {"outcome": "age"}, r"holds 50 values.*--positive"),
    "words": (TABLE, {"outcome": "status"}, "'Charged Off', 'Fully Paid'.*--positive"),
    "no such": (TABLE, {"outcome": "status", "positive": "Default"}, "no value 'Default'"),
    "constant": (TABLE.with_columns(defaulted=0), {}, "holds only '0'"),
    "rare": (TABLE.with_columns(defaulted=(pl.col("score") < 305).cast(int)), {}, "only 5 rows"),
    "many groups": (TABLE, {"group": "age", "min_group": 1}, "--bins"),
    "small": (TABLE, {"min_group": 250}, r"'f' \(200\).*--merge-small"),
    "one group": (TABLE.with_columns(sex=pl.lit("f")), {}, "only the group 'f'"),
    "cut words": (TABLE, {"cut_points": (1.0,)}, "not numeric"),
    "cut order": (TABLE, {"group": "age", "cut_points": (40.0, 30.0)}, "must rise"),
    "empty bin": (TABLE, {"group": "age", "cut_points": (10.0, 40.0)}, "'below 10'"),
    "text score": (TABLE, {"score": "status"}, "not numeric"),
    "lists": (TABLE.with_columns(sex=pl.concat_list("sex")), {}, "'sex' holds List"),
    "flat score": (TABLE.with_columns(score=1.0), {"score": "score"}, "ranks nobody"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_RECORDS)
def test_records_that_cannot_be_used_are_one_sentence_with_the_remedy(case):
    table, changes, words = BAD_RECORDS[case]
    with pytest.raises(InputError, match=words) as error:
        check(table, **changes)
    assert "loans.csv" in str(error.value) or "--bins" in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_rows_are_left_out_only_when_asked():
    holes = TABLE.with_columns(
        defaulted=pl.when(pl.col("age") > 60).then(None).otherwise("defaulted")
    )
    records = check(holes, drop_missing=True)
    assert len(records.group) == holes["defaulted"].drop_nulls().len() < records.num_rows == 600


@pytest.mark.parametrize(
    ("column", "positive"),
    [
        (pl.col("defaulted").cast(pl.Float64), None),
        (pl.col("defaulted") == 1, None),
        (pl.col("defaulted").cast(pl.String), None),
        (pl.col("status"), "Charged Off"),
        (1 - pl.col("defaulted"), "0"),
    ],
)
def test_the_outcome_may_be_written_in_many_ways(column, positive):
    table = TABLE.with_columns(outcome=column)
    records = check(table, outcome="outcome", positive=positive)
    assert np.array_equal(records.defaulted, TABLE["defaulted"].to_numpy() == 1)


def test_cut_points_make_groups_of_a_number():
    records = check(TABLE, group="age", cut_points=(30.0, 45.0))
    assert records.groups == ("below 30", "30 to below 45", "45 and above")
    age = TABLE["age"].to_numpy()
    assert np.array_equal(records.group, (age >= 30).astype(int) + (age >= 45))


def test_small_groups_become_other_when_asked():
    table = TABLE.with_columns(sex=pl.when(pl.col("age") < 30).then(pl.col("age").cast(str))
                               .otherwise("sex"))  # fmt: skip
    records = check(table, merge_small=True)
    assert records.groups == ("f", "m", "other")
    assert records.group_sizes[2] == (TABLE["age"] < 30).sum()


def test_features_never_hold_outcome_group_or_score():
    assert check(TABLE, score="score").features.columns == ["age", "status"]


def test_small_groups_join_a_group_that_is_already_called_other():
    table = TABLE.with_columns(
        sex=pl.when(pl.col("age") < 25).then(pl.lit("x")).when(pl.col("age") < 45)
        .then(pl.lit("other")).otherwise("sex")
    )  # fmt: skip
    records = check(table, merge_small=True)
    assert records.groups == ("f", "m", "other")
    assert records.group_sizes[2] == (TABLE["age"] < 45).sum()
