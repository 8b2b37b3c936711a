"""Laws of tables with several targets; scikit-learn encodes the same rows beside ours."""

import time
from importlib import resources

import numpy as np
import polars as pl
import pytest

from evenhand.core.errors import InputError
from evenhand.supervised import MultiTaskTable, load_acs_massachusetts, load_census_income
from evenhand.supervised.acs_massachusetts import OPTIONAL_TASKS as ACS_OPTIONAL
from evenhand.supervised.acs_massachusetts import RECIPE as ACS
from evenhand.supervised.census_income import OPTIONAL_TASKS as CENSUS_OPTIONAL
from evenhand.supervised.multi_task_checks import EmptyCellWarning, check_part
from evenhand.supervised.table_encoding import MOST_LEVELS, fit_encoder

# Of all rows, training and validation, female then male; Private was published for both together.
CENSUS_RATES = {
    "Income50K": (0.116, 0.050, 0.175),
    "FullYear": (0.688, 0.645, 0.727),
    "InvestIncome": (0.219, 0.179, 0.256),
    "LargeEmployer": (0.354, 0.370, 0.341),
    "Private": (0.672, None, None),
    "Married": (0.597, 0.561, 0.630),
}
ACS_RATES = {
    "Employed": (0.605, 0.578, 0.635),
    "SameHouse": (0.867, None, None),
    "Disability": (0.152, None, None),
    "Married": (0.496, 0.474, 0.519),
    "College": (0.425, 0.433, 0.417),
}


@pytest.fixture(scope="module")
def census():
    return load_census_income()


@pytest.fixture(scope="module")
def acs():
    return load_acs_massachusetts()


def acs_rows():
    file = resources.files("evenhand.data.tables") / "acs_pums_massachusetts.parquet"
    return pl.read_parquet(file.read_bytes())


def small(**changed):
    """Sixteen people in each part, all cells full; `changed` replaces fields."""
    rng = np.random.default_rng(0)
    s = np.tile(np.array([0, 1], np.int8), 8)
    Y = np.stack([np.arange(16) // 2 % 2, np.arange(16) // 4 % 2], 1).astype(np.int8)
    fields = {}
    for part in ("train", "val", "test"):
        X = rng.normal(size=(16, 3)).astype(np.float32)
        fields |= {f"X_{part}": X, f"Y_{part}": Y.copy(), f"s_{part}": s.copy()}
    names = {
        "task_names": ("hired", "promoted"),
        "feature_names": ("a", "b", "c"),
        "group_names": ("men", "women"),
        "name": "small",
        "source": "made up",
    }
    return MultiTaskTable(**(fields | names | changed))


def published(Y, s, rates):
    for t, expected in enumerate(rates.values()):
        found = Y[:, t].mean(), Y[s == 1, t].mean(), Y[s == 0, t].mean()
        for value, figure in zip(found, expected, strict=True):
            assert figure is None or value == pytest.approx(figure, abs=6e-4)


def test_census_income_has_the_rows_columns_and_rates_that_were_published(census):
    assert (len(census.s_train) + len(census.s_val), len(census.s_test)) == (101_883, 51_076)
    assert len(census.s_val) == round(0.3 * 101_883)
    assert len(census.feature_names) == census.X_test.shape[1] == 117
    assert census.task_names == tuple(CENSUS_RATES)
    assert census.group_names == ("male", "female")
    s = np.concatenate([census.s_train, census.s_val])
    assert s.mean() == pytest.approx(0.476, abs=6e-4)
    assert census.s_test.mean() == pytest.approx(0.472, abs=6e-4)
    published(np.concatenate([census.Y_train, census.Y_val]), s, CENSUS_RATES)


def test_acs_massachusetts_has_the_rows_columns_and_rates_that_were_published(acs):
    assert (len(acs.s_train) + len(acs.s_val), len(acs.s_test)) == (57_665, 58_333)
    s = np.concatenate([acs.s_train, acs.s_val])
    assert s.mean() == pytest.approx(0.525, abs=6e-4)
    assert acs.s_test.mean() == pytest.approx(0.522, abs=6e-4)
    assert acs.task_names == tuple(ACS_RATES)
    published(acs.Y_test, acs.s_test, ACS_RATES)
    # 39 columns counts two levels that no adult of the training part has: a child's MIL code and
    # one code of RAC1P.
    assert len(acs.feature_names) == 37
    everybody = acs_rows()
    assert 1 + sum(everybody[name].n_unique() - 1 for name in ACS.categorical) == 39


@pytest.mark.parametrize("load", [load_census_income, load_acs_massachusetts])
def test_built_in_tables_load_within_two_seconds(load):
    start = time.process_time()
    load()
    assert time.process_time() - start < 2


# A code that no one in the training part has is all zeros in both.
@pytest.mark.filterwarnings("ignore:Found unknown categories")
def test_scikit_learn_encodes_the_same_rows_the_same_way(acs):
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    adults = acs_rows().filter((pl.col("AGEP") > 16) & (pl.col("year") == 2017))
    val = np.zeros(adults.height, bool)
    val[np.random.default_rng(0).permutation(adults.height)[: len(acs.s_val)]] = True
    train, val = adults.filter(~val), adults.filter(val)
    levels = train.select(ACS.categorical)
    most = [levels[name].mode().item() for name in ACS.categorical]
    indicators = OneHotEncoder(drop=most, sparse_output=False, handle_unknown="ignore")
    indicators.fit(levels.to_numpy())
    scaler = StandardScaler().fit(train[["AGEP"]].to_numpy())
    for rows, X in ((train, acs.X_train), (val, acs.X_val)):
        words = indicators.transform(rows.select(ACS.categorical).to_numpy())
        theirs = np.hstack([scaler.transform(rows[["AGEP"]].to_numpy()), words])
        assert np.allclose(X, theirs, atol=1e-5)


def test_the_group_is_the_column_it_says(acs, census):
    for table, name in ((acs, "SEX=1"), (census, "sex=Female")):
        column = table.X_test[:, table.feature_names.index(name)]
        assert np.array_equal(column == (0 if name == "SEX=1" else 1), table.s_test == 1)


def test_no_single_input_gives_a_target_away(acs, census):
    for table in (acs, census):
        X, Y = table.X_train - table.X_train.mean(0), table.Y_train - table.Y_train.mean(0)
        scale = np.outer(np.sqrt((X**2).mean(0)), np.sqrt((Y**2).mean(0)))
        correlation = np.abs(X.T @ Y / len(X)) / np.maximum(scale, 1e-9)
        assert correlation.max() < 0.7
        told = {"split", "year=2017", "income", "weeks", "capital", "employed", "MAR", "DREM"}
        assert not [n for n in table.feature_names if n.split("=")[0] in told]


def test_a_target_takes_the_inputs_that_tell_it_along():
    table = load_census_income(tasks=CENSUS_OPTIONAL, include_protected=False)
    inputs = {name.split("=")[0] for name in table.feature_names}
    assert inputs & {"education", "hs_college", "citizenship", "country_self", "sex"} == set()
    published_rates = (0.244, 0.073, 0.525)
    Y, s = (
        np.concatenate([table.Y_train, table.Y_val]),
        np.concatenate([table.s_train, table.s_val]),
    )
    assert Y.mean(0) == pytest.approx(published_rates, abs=6e-4)
    by_sex = Y[s == 1, 2].mean(), Y[s == 0, 2].mean()
    assert by_sex == pytest.approx((0.330, 0.703), abs=6e-4)
    acs = load_acs_massachusetts(tasks=ACS_OPTIONAL, exclude=["RELP"])
    assert acs.Y_test.mean(0) == pytest.approx((0.070, 0.061), abs=6e-4)
    inputs = {name.split("=")[0] for name in acs.feature_names}
    assert inputs == {"AGEP", "MIL", "ANC", "RAC1P", "SEX"}


def test_the_seed_and_the_share_make_the_split():
    kinds = [load_acs_massachusetts(seed=seed) for seed in (3, 3, 4)]
    assert np.array_equal(kinds[0].X_train, kinds[1].X_train)
    assert not np.array_equal(kinds[0].s_train, kinds[2].s_train)
    assert np.array_equal(kinds[0].Y_test, kinds[2].Y_test)
    assert len(load_acs_massachusetts(val_share=0.5).s_val) == round(57_665 / 2)
    assert len(load_acs_massachusetts(train_year=2015, test_year=2016).s_test) > 50_000


def test_encodings_are_fitted_on_training_rows_alone():
    train = pl.DataFrame({"x": [1.0, 3.0, None], "c": ["a", "b", "a"], "k": [2, 2, 10]})
    other = pl.DataFrame({"x": [5.0, None, 2.0], "c": ["b", "new", None], "k": [10, 3, 2]})
    encoder = fit_encoder(train, ["x"], ["c", "k"])
    assert encoder.feature_names == ("x", "x=missing", "c=b", "k=10")
    assert encoder.transform(train).tolist() == [[-1, 0, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1]]
    # The unknown levels `new`, missing and 3 are all zeros.
    assert encoder.transform(other).tolist() == [[3, 0, 1, 1], [0, 1, 0, 0], [0, 0, 0, 0]]


def test_a_column_with_many_levels_is_hashed_and_unknown_levels_are_zeros():
    words = [f"w{i}" for i in range(3 * MOST_LEVELS)]
    encoder = fit_encoder(pl.DataFrame({"job": words}), [], ["job"])
    X = encoder.transform(pl.DataFrame({"job": [*words, "unseen"]}))
    assert X.shape == (len(words) + 1, MOST_LEVELS)
    assert (X[:-1].sum(1) == 1).all()
    assert X[-1].sum() == 0
    assert (X[:-1].sum(0) > 0).sum() > MOST_LEVELS / 2
    edge = fit_encoder(pl.DataFrame({"job": words[:MOST_LEVELS]}), [], ["job"])
    assert len(edge.feature_names) == MOST_LEVELS - 1


def test_a_constant_column_is_zero_and_not_nan():
    train = pl.DataFrame({"x": [0.1, 0.1, 0.1], "c": ["a", "a", "a"], "n": [None, None, None]})
    X = fit_encoder(train, ["x", "n"], ["c"]).transform(train)
    assert np.allclose(X, [[0, 0, 1]] * 3)


def test_subset_keeps_the_people_and_reorders_the_tasks():
    table = small()
    one = table.subset(["promoted", "hired"])
    assert one.task_names == ("promoted", "hired")
    assert np.array_equal(one.Y_val, table.Y_val[:, ::-1])
    assert one.X_test is table.X_test
    with pytest.raises(InputError, match="did you mean 'hired'"):
        table.subset(["hire"])
    with pytest.raises(InputError, match="no task"):
        table.subset([])


@pytest.mark.parametrize("num_rows", [50, 999, 10**6])
def test_limited_keeps_rows_whole_and_groups_in_their_shares(acs, num_rows):
    some = acs.limited(num_rows, seed=1)
    for part in ("train", "val", "test"):
        X, Y, s = acs.part(part)
        X_some, Y_some, s_some = some.part(part)
        assert len(s_some) == min(num_rows, len(s))
        assert abs(s_some.mean() - s.mean()) <= 0.5 / len(s_some) + 1e-9
        whole = {row.tobytes() for row in np.hstack([X, Y, s[:, None]]).astype(np.float32)}
        kept = np.hstack([X_some, Y_some, s_some[:, None]]).astype(np.float32)
        assert {row.tobytes() for row in kept} <= whole
    with pytest.raises(InputError, match="at least 4"):
        acs.limited(3)


def test_the_summary_counts_what_a_loop_counts(census):
    facts = census.summary()["parts"]["val"]
    assert facts["rows"] == len(census.s_val)
    rate = facts["base_rate"]["Private"]["female"]
    chosen = [y for y, s in zip(census.Y_val[:, 4].tolist(), census.s_val, strict=True) if s == 1]
    assert rate == pytest.approx(sum(chosen) / len(chosen))


def test_a_training_cell_without_people_is_warned_of_by_name():
    Y = small().Y_train.copy()
    Y[1::2, 1] = 0  # no woman is promoted
    with pytest.warns(EmptyCellWarning, match="promoted = 1 in group women"):
        small(Y_train=Y)


def broken():
    good = small()
    X, Y, s = good.part("train")
    gap = X.copy()
    gap[3, 1] = np.nan
    return [
        ({"X_train": gap}, "train part of small has inputs that are NaN"),
        ({"X_test": X.astype(np.float64)}, "type float64"),
        ({"Y_val": Y + np.int8(1)}, "task 'hired' has values from 1 to 2"),
        ({"s_test": np.zeros(16, np.int8)}, "test part of small has nobody of group 'women'"),
        ({"s_train": s[:0], "X_train": X[:0], "Y_train": Y[:0]}, "groups of shape"),
        ({"s_train": (s * 2).astype(np.int8)}, "group has values from 0 to 2"),
        ({"task_names": ("hired", "hired")}, "task_names twice: hired"),
        ({"task_names": ()}, "no task_names"),
        ({"group_names": ("men", "women", "others")}, "3 groups"),
    ]


@pytest.mark.parametrize(("changed", "words"), broken())
def test_what_cannot_be_used_is_said_in_a_sentence(changed, words):
    with pytest.raises(InputError, match=words):
        small(**changed)


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (((5, 3), (16, 2), (16,)), "the part has inputs of shape"),
        (((16, 2), (16, 2), (16,)), "16 rows and 3 feature names need"),
        (((16, 3), (16, 1), (16,)), "targets of shape"),
        (((16, 3), (16, 2), (16, 1)), "groups of shape"),
    ],
)
def test_shapes_that_do_not_fit_are_said_in_a_sentence(shapes, words):
    X, Y, s = (np.zeros(shape, np.int8) for shape in shapes)
    with pytest.raises(InputError, match=words):
        check_part(X, Y, s, "the part", 3, ("hired", "promoted"), ("men", "women"))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: load_census_income(tasks=["Maried"]), "did you mean 'Married'"),
        (lambda: load_census_income(exclude=["wages"]), "no input of census-income 'wages'"),
        (lambda: load_census_income(val_share=1.0), "val_share = 1.0"),
        (lambda: load_acs_massachusetts(train_year=2019), "train_year = 2019"),
        (lambda: load_acs_massachusetts(train_year=2018), "both 2018"),
        (lambda: load_acs_massachusetts(exclude=["AGEP", *ACS.categorical]), "no input"),
        (lambda: small().part("training"), "no part of the table"),
    ],
)
def test_arguments_that_mean_nothing_are_said_in_a_sentence(call, words):
    with pytest.raises(InputError, match=words):
        call()


def test_the_package_of_models_imports_nothing_until_a_name_is_used():
    import evenhand.supervised as package

    assert "load_table" in dir(package)
    assert set(package.__all__) >= {"MultiTaskTable", "load_census_income"}
    with pytest.raises(AttributeError, match="load_everything"):
        package.load_everything  # noqa: B018
