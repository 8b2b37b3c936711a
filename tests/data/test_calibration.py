import time

import numpy as np
import polars as pl
import pytest

from evenhand.core.errors import InputError
from evenhand.data.calibrate import calibrate
from evenhand.data.calibration_options import CalibrationOptions
from evenhand.data.choose import choose_population
from evenhand.data.params_file import read_params_file, write_params
from evenhand.data.records import RecordOptions, check_records
from evenhand.data.taiwan import LAGGED, STATUS_COLUMNS, load_taiwan

EDGES = (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)
LAW = np.array([[0.1, 0.2, 0.3, 0.3, 0.1], [0.3, 0.3, 0.2, 0.1, 0.1]])
REPAY = np.array([[0.3, 0.5, 0.7, 0.85, 0.95], [0.2, 0.45, 0.7, 0.8, 0.9]])
RECORDS = RecordOptions(outcome="defaulted", group="group", score="score")


def loans(n, seed):
    """n loans with a score column, drawn from `LAW` and `REPAY`."""
    generator = np.random.default_rng(seed)
    group = generator.integers(2, size=n)
    level = (generator.random(n)[:, None] > LAW[group].cumsum(1)).sum(1).clip(0, 4)
    return pl.DataFrame(
        {
            "group": np.array(["a", "b"])[group],
            "score": 20 * level + 20 * generator.random(n),
            "defaulted": (generator.random(n) > REPAY[group, level]).astype(int),
        }
    )


def calibrated(table, **options):
    return calibrate(
        check_records(table, RECORDS, "loans.csv"), CalibrationOptions(edges=EDGES, **options)
    )


def test_known_parameters_lie_within_the_stated_bounds_about_as_often_as_stated():
    shares, rates = [], []
    for seed in range(60):
        found = calibrated(loans(1500, seed)).estimates
        initial, repay = found["initial"], found["repay_prob"]
        shares.append(((initial.low <= LAW) & (initial.high >= LAW)).all(1))
        rates.append((repay.low <= REPAY) & (repay.high >= REPAY))
    assert np.mean(shares) >= 0.92  # all levels of a group together
    assert 0.92 <= np.mean(rates) <= 0.98


def test_more_records_give_the_known_parameters():
    population = calibrated(loans(200_000, 0)).population
    assert np.abs(population.initial - LAW).max() < 0.01
    assert np.abs(population.repay_prob - REPAY).max() < 0.02


def test_a_score_where_lower_is_better_gives_the_same_levels_upside_down():
    table = loans(4000, 1)
    up = calibrated(table)
    turned = check_records(table.with_columns(score=100 - pl.col("score")), RECORDS, "loans.csv")
    down = calibrate(turned, CalibrationOptions(edges=EDGES))
    assert np.allclose(up.population.initial, down.population.initial)
    assert np.allclose(up.population.repay_prob, down.population.repay_prob)
    assert "negated" in down.provenance["score"]


def test_renaming_the_groups_permutes_everything():
    table = loans(3000, 2)
    swapped = table.with_columns(group=pl.col("group").replace({"a": "b", "b": "a"}))
    one, two = calibrated(table, monotone=True), calibrated(swapped, monotone=True)
    assert np.array_equal(one.population.initial, two.population.initial[::-1])
    assert np.array_equal(one.population.repay_prob, two.population.repay_prob[::-1])
    assert one.by_group["a"] == two.by_group["b"]


def test_the_fitted_score_does_not_depend_on_the_names_of_the_groups():
    table = load_taiwan().head(3000).with_columns(pl.col("sex").cast(pl.String))
    swapped = table.with_columns(sex=pl.col("sex").replace({"male": "female", "female": "male"}))
    options = RecordOptions(outcome="defaulted", group="sex")
    one, two = (
        calibrate(
            check_records(t, options, "t"), CalibrationOptions(features=("age", "limit_balance"))
        )
        for t in (table, swapped)
    )
    assert np.array_equal(one.population.repay_prob, two.population.repay_prob[::-1])
    assert one.population.bin_edges == two.population.bin_edges


def test_what_a_cross_section_cannot_show_is_marked_as_assumed():
    population = calibrated(loans(2000, 3)).population
    assert {
        "up",
        "down",
        "drift",
        "reward_repaid",
        "reward_default",
        "population_per_group",
    } <= set(population.assumed)
    assert "repay_prob" not in population.assumed


def test_cells_without_records_are_marked_in_the_file_and_among_the_assumptions(tmp_path):
    table = loans(2000, 4).filter((pl.col("group") == "a") | (pl.col("score") < 80))
    found = calibrated(table)
    assert found.population.repay_prob[1, 4] == found.population.repay_prob[0, 4]
    assert "1 of 10 cells" in found.population.assumed["repay_prob"]
    write_params(tmp_path / "p.toml", found.population, found.estimates, found.provenance)
    filled = read_params_file(tmp_path / "p.toml").estimates["repay_prob"].filled
    assert np.argwhere(filled).tolist() == [[1, 4]]


def test_taiwan_goes_from_records_to_a_person_in_under_twenty_seconds(tmp_path):
    start = time.process_time()
    records = check_records(load_taiwan(), RecordOptions("defaulted", "sex"), "taiwan")
    found = calibrate(records, CalibrationOptions(status_columns=STATUS_COLUMNS, lagged=LAGGED))
    write_params(tmp_path / "p.toml", found.population, found.estimates, found.provenance)
    population = choose_population(params=tmp_path / "p.toml")
    assert population.person(1000).transition.shape == (2, 10, 2, 10)
    assert time.process_time() - start < 20
    assert population.groups == ("female", "male")
    assert found.transitions is not None
    assert all(figures["auc"] > 0.74 for figures in found.by_group.values())
    # A month of delay costs levels, a month of payment does not, in both groups.
    assert (found.transitions.mean_move[1, :, 2] < 0).all()
    assert (found.transitions.mean_move[2, :, 1] > 0).all()
    assert "drift" in population.assumed
    assert "up" not in population.assumed


def test_lagged_columns_are_read_as_of_their_month():
    """A client whose columns stand still never moves."""
    table = load_taiwan().head(4000)
    still = {
        name: pl.col(series[-1]) for series in (STATUS_COLUMNS, *LAGGED) for name in series[:-1]
    }
    records = check_records(table.with_columns(**still), RecordOptions("defaulted", "sex"), "still")
    options = CalibrationOptions(status_columns=STATUS_COLUMNS, lagged=LAGGED, num_resamples=20)
    moves = calibrate(records, options).transitions
    assert moves.up == moves.down == (0, 0)
    reach = moves.drift.shape[2] // 2
    assert (moves.drift[1:, :, reach] > 0.9).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"features": ("limit", "age")}, "did you mean 'limit_balance'"),
        ({"ignore": ("id",)}, "no column 'id'"),
        ({"status_columns": STATUS_COLUMNS, "lagged": (("age",),)}, "one column per status"),
        ({"status_columns": STATUS_COLUMNS[:1]}, "at least two months"),
        ({"status_columns": ("marriage", "no")}, "no column 'no'"),
        (
            {"status_columns": STATUS_COLUMNS, "features": ("age",), "delayed_from": 99.0},
            "no month that was delayed",
        ),
        ({"confidence": 1.5}, "--confidence"),
        ({"people": 0}, "--people"),
    ],
)
def test_options_that_do_not_fit_the_records_say_so(options, words):
    records = check_records(load_taiwan().head(1000), RecordOptions("defaulted", "sex"), "t.csv")
    with pytest.raises(InputError, match=words):
        calibrate(records, CalibrationOptions(**options))


def test_a_given_score_and_status_columns_exclude_each_other():
    with pytest.raises(InputError, match="leave one of them out"):
        calibrated(loans(500, 0), status_columns=("a", "b"))


def test_a_column_that_records_the_outcome_is_reported():
    table = loans(1000, 0).with_columns(copy=pl.col("defaulted"))
    records = check_records(table, RecordOptions("defaulted", "group"), "loans.csv")
    assert (
        "records the outcome" in calibrate(records, CalibrationOptions(binning="width")).warnings[0]
    )
    assert calibrated(table).warnings == ()
