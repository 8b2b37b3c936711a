"""PUMS files, generated in the Census Bureau's layout and in folktables' folders."""

import numpy as np
import polars as pl
import pytest

from evenhand.core.errors import InputError
from evenhand.supervised import load_acs_pums
from evenhand.supervised.acs_pums import RECIPES
from evenhand.supervised.acs_pums_files import persons_file, read_persons

CODES = {
    "SCHL": 24, "MAR": 5, "DIS": 2, "ESP": 8, "CIT": 5, "MIL": 4, "ANC": 4, "NATIVITY": 2,
    "DEAR": 2, "DEYE": 2, "DREM": 2, "SEX": 2, "RAC1P": 9, "ESR": 6, "MIG": 3, "HINS2": 2,
    "PUBCOV": 2, "COW": 9, "FER": 2, "GCL": 2, "JWTR": 12, "RELP": 17, "PUMA": 90, "POWPUMA": 80,
    "OCCP": 400, "POBP": 60,
}  # fmt: skip


def persons(num_rows, seed, state, **changed):
    """Codes as words with leading zeros and blanks; a fifth of each column is not there."""
    rng = np.random.default_rng(seed)
    columns = {"RT": ["P"] * num_rows, "SERIALNO": [f"2018GQ{i:07d}" for i in range(num_rows)]}
    columns |= {"ST": [f"{state:02d}"] * num_rows, "PWGTP": rng.integers(0, 40, num_rows)}
    columns |= {"AGEP": rng.integers(0, 90, num_rows), "PINCP": rng.integers(-99, 99999, num_rows)}
    columns |= {"WKHP": rng.integers(0, 80, num_rows), "JWMNP": rng.integers(1, 60, num_rows)}
    columns |= {"POVPIP": rng.integers(0, 501, num_rows)}
    columns |= {name: rng.integers(1, top + 1, num_rows) for name, top in CODES.items()}
    frame = pl.DataFrame(
        {k: v if isinstance(v, list) else v.astype(str) for k, v in columns.items()}
    )
    for name in ("MIL", "JWTR", "OCCP", "POVPIP", "ESR", "WKHP"):
        gone = rng.random(num_rows) < 0.2
        frame = frame.with_columns(pl.Series(name, np.where(gone, "", frame[name].to_numpy())))
    padded = [pl.col("PUMA").str.zfill(5), pl.col("JWTR").str.zfill(2).replace("00", "")]
    return frame.with_columns(padded).rename(changed)


@pytest.fixture
def root(tmp_path):
    """2016, 2018 and 2019 of two states, with the names of each year."""
    renamed = {"RELP": "RELSHIPP", "JWTR": "JWTRNS"}
    for year, names in ((2016, {}), (2018, {}), (2019, renamed)):
        folder = tmp_path / str(year) / "1-Year"
        folder.mkdir(parents=True)
        for state, postal in ((25, "ma"), (6, "ca")):
            old = year < 2017
            file = f"ss{year % 100}p{postal}.csv" if old else f"psam_p{state:02d}.csv"
            persons(500, year + state, state, **names).write_csv(folder / file)
    return tmp_path


def adults(frame):
    """The filter by a loop over rows."""
    kept = []
    for row in frame.iter_rows(named=True):
        number = {name: float(row[name] or 0) for name in ("AGEP", "PINCP", "WKHP", "PWGTP")}
        if (
            number["AGEP"] > 16
            and number["PINCP"] > 100
            and number["WKHP"] > 0
            and number["PWGTP"] >= 1
        ):
            kept.append(row)
    return kept


def test_the_papers_targets_are_those_of_a_loop_over_the_rows(root):
    table = load_acs_pums(root, (2018, 2019), ("MA",))
    rows = adults(persons(500, 2019 + 25, 25))
    assert table.task_names == tuple(RECIPES["paper"].tasks)
    expected = [
        [
            row["ESR"] == "1",
            float(row["PINCP"]) > 50_000,
            row["HINS2"] == "1",
            float(row["JWMNP"]) > 20,
            float(row["POVPIP"] or 0) < 250,
        ]
        for row in rows
    ]
    assert table.Y_test.tolist() == np.array(expected).astype(int).tolist()
    assert table.s_test.tolist() == [int(row["SEX"] == "2") for row in rows]
    trained = len(adults(persons(500, 2018 + 25, 25)))
    assert len(table.s_val) == round(0.3 * trained)
    assert len(table.s_train) + len(table.s_val) == trained


def test_the_papers_inputs_are_twenty_columns_and_the_widest_is_hashed(root):
    table = load_acs_pums(root, (2018, 2019), ("MA", "CA"))
    recipe = RECIPES["paper"]
    assert len(recipe.numeric) + len(recipe.categorical) == 20
    columns = {name.replace("#", "=").split("=")[0] for name in table.feature_names}
    assert columns == {*recipe.numeric, *recipe.categorical}
    assert {"OCCP#0", "OCCP#63", "PUMA#5", "JWTR=10"} <= set(table.feature_names)
    # 2019 calls the column JWTRNS; its codes fill the columns of JWTR.
    walked = persons(500, 2019 + 25, 25), persons(500, 2019 + 6, 6)
    expected = [row["JWTR"] == "10" for frame in walked for row in adults(frame)]
    assert (table.X_test[:, table.feature_names.index("JWTR=10")] == 1).tolist() == expected


def test_folktables_targets_share_one_filter_and_no_target_is_an_input(root):
    table = load_acs_pums(root, (2016, 2018), ("CA",), tasks="folktables")
    assert table.task_names == tuple(RECIPES["folktables"].tasks)
    rows = adults(persons(500, 2018 + 6, 6))
    expected = [
        [
            float(row["PINCP"]) > 50_000,
            row["PUBCOV"] == "1",
            row["MIG"] == "1",
            row["ESR"] == "1",
            float(row["JWMNP"]) > 20,
        ]
        for row in rows
    ]
    assert table.Y_test.tolist() == np.array(expected).astype(int).tolist()
    inputs = {name.replace("#", "=").split("=")[0] for name in table.feature_names}
    told = {"PINCP", "PUBCOV", "MIG", "ESR", "JWMNP", "JWTR", "POWPUMA", "POVPIP"}
    assert inputs & told == set()
    with pytest.raises(InputError, match="codes of RELP changed in 2019"):
        load_acs_pums(root, (2018, 2019), tasks="folktables")
    load_acs_pums(root, (2018, 2019), tasks="folktables", exclude=["RELP"])


def test_groups_by_race_leave_out_people_of_neither(root):
    table = load_acs_pums(root, (2018,), ("MA",), race=((1,), (2, 3)), include_protected=False)
    assert table.group_names == ("RAC1P=1", "RAC1P=2,3")
    assert not any(name.startswith("RAC1P") for name in table.feature_names)
    rows = [row for row in adults(persons(500, 2018 + 25, 25)) if row["RAC1P"] in "123"]
    groups = [table.part(part)[2] for part in ("train", "val", "test")]
    assert sum(map(len, groups)) == len(rows)
    assert sum(int(s.sum()) for s in groups) == sum(row["RAC1P"] != "1" for row in rows)


def test_codes_lose_blanks_and_zeros_and_missing_ones_are_zero(tmp_path):
    path = tmp_path / "psam_p25.csv"
    path.write_text("AGEP, SEX,PUMA,OCCP\n 40,1,00100,0050\n,2, 100,\n17,,ABC,000N\n")
    rows = read_persons(path, 2018, ["AGEP"], ["SEX", "PUMA", "OCCP"])
    assert rows.rows() == [
        (40.0, "1", "100", "50"),
        (0.0, "2", "100", "0"),
        (17.0, "0", "ABC", "000N"),
    ]


def test_a_missing_file_is_answered_with_where_it_is_and_where_it_belongs(tmp_path):
    where = "www2.census.gov/programs-surveys/acs/data/pums/2018/1-Year/csv_pma.zip"
    with pytest.raises(InputError, match=where) as caught:
        load_acs_pums(tmp_path)
    assert f"put psam_p25.csv into {tmp_path / '2018' / '1-Year'}" in str(caught.value)
    with pytest.raises(InputError, match=r"ss16pca.csv"):
        persons_file(tmp_path, 2016, "1-Year", "CA")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"states": ["XX"]}, "no state 'XX'"),
        ({"states": []}, "states is empty"),
        ({"horizon": "1-year"}, "did you mean '1-Year'"),
        ({"years": (2012,)}, "year 2012 has another layout"),
        ({"years": (2018, 2018)}, "is not one year"),
        ({"tasks": "papers"}, "did you mean 'paper'"),
        ({"race": ((1,), (1, 2))}, "two sets of RAC1P codes"),
        ({"exclude": ["INDP"]}, "no input of acs-pums 'INDP'"),
    ],
)
def test_arguments_that_mean_nothing_are_said_in_a_sentence(root, options, words):
    with pytest.raises(InputError, match=words):
        load_acs_pums(root, **options)


def test_broken_files_are_named(root):
    path = root / "2018" / "1-Year" / "psam_p25.csv"
    whole = pl.read_csv(path, infer_schema=False)
    whole.drop("HINS2").write_csv(path)
    with pytest.raises(InputError, match=r"psam_p25.csv: there is no column 'HINS2'"):
        load_acs_pums(root)
    whole.head(0).write_csv(path)
    with pytest.raises(InputError, match="no rows"):
        load_acs_pums(root)
    whole.with_columns(AGEP=pl.lit("old")).write_csv(path)
    with pytest.raises(InputError, match="column of numbers with words"):
        load_acs_pums(root)
    path.write_text("")
    with pytest.raises(InputError, match="cannot be read as CSV"):
        load_acs_pums(root)
    whole.with_columns(AGEP=pl.lit("3")).write_csv(path)
    with pytest.raises(InputError, match="0 people of 2018 pass the filter"):
        load_acs_pums(root)
