import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.core.errors import InputError
from evenhand.data.risk_score import auc, fit_logistic, fit_risk_score, oriented, points
from evenhand.data.scorecard import design, learn_rules


def table(n=2000, seed=0):
    generator = np.random.default_rng(seed)
    risk = generator.normal(size=n)
    odds = 1.2 * risk - 1
    columns = {
        "risk": risk,
        "noise": generator.normal(size=n),
        "word": generator.choice(["a", "b"], n),
        "row": np.arange(n),
        "constant": 3,
    }
    return pl.DataFrame(columns), generator.random(n) < 1 / (1 + np.exp(-odds))


def test_the_logistic_fit_is_the_one_of_scikit_learn():
    linear_model = pytest.importorskip("sklearn.linear_model")
    features, defaulted = table()
    matrix = design(features, learn_rules(features)[0])
    known = linear_model.LogisticRegression(C=1.0, tol=1e-10, max_iter=2000).fit(matrix, defaulted)
    weights = fit_logistic(matrix, defaulted)
    assert np.allclose(weights[1:], known.coef_[0], atol=1e-4)
    assert weights[0] == pytest.approx(known.intercept_[0], abs=1e-4)


@given(scores=st.lists(st.integers(0, 20), min_size=4, max_size=40), data=st.data())
def test_auc_is_the_chance_that_a_repayer_scores_above_a_defaulter(scores, data):
    repaid = np.array(
        data.draw(st.lists(st.booleans(), min_size=len(scores), max_size=len(scores)))
    )
    score = np.array(scores, float)
    up, down = score[repaid], score[~repaid]
    if len(up) == 0 or len(down) == 0:
        assert np.isnan(auc(score, repaid))
        return
    above = (up[:, None] > down).mean() + 0.5 * (up[:, None] == down).mean()
    assert auc(score, repaid) == pytest.approx(above)


def test_out_of_fold_scores_find_nothing_in_noise():
    generator = np.random.default_rng(1)
    noise = pl.DataFrame({f"x{i}": generator.normal(size=1000) for i in range(20)})
    defaulted = generator.random(1000) < 0.3
    model = fit_risk_score(noise, defaulted)
    assert auc(model.log_odds(noise), ~defaulted) < 0.56


def test_a_score_ranks_people_by_their_risk_and_keeps_the_base_rate():
    features, defaulted = table()
    model = fit_risk_score(features, defaulted)
    log_odds = model.log_odds(features)
    best = auc(-features["risk"].to_numpy(), ~defaulted)
    assert best - 0.02 < auc(log_odds, ~defaulted) < best + 0.01
    assert (1 / (1 + np.exp(-log_odds))).mean() == pytest.approx((~defaulted).mean(), abs=0.01)


def test_row_numbers_and_constants_are_not_used():
    features, defaulted = table()
    assert fit_risk_score(features, defaulted).unused == ("row", "constant")


def test_missing_and_unseen_values_have_classes():
    features, _ = table()
    rules, _ = learn_rules(features)
    odd = features.with_columns(risk=None, noise=float("inf"), word=pl.lit("never seen"))
    matrix = design(odd, rules)
    assert (matrix.sum(1) == len(rules)).all()


def test_fifty_points_double_the_odds():
    assert points(np.log(np.array([1.0, 2.0, 4.0]))) == pytest.approx([500, 550, 600])


def test_the_direction_of_a_score_is_seen_or_asked_for():
    repaid = np.random.default_rng(0).random(500) < 0.5
    score = repaid + np.random.default_rng(1).normal(size=500)
    assert oriented(score, repaid, "auto")[1] is False
    turned, changed = oriented(-score, repaid, "auto")
    assert changed
    assert np.array_equal(turned, score)
    with pytest.raises(InputError, match="--direction higher or lower"):
        oriented(np.random.default_rng(2).normal(size=500), repaid, "auto")
    with pytest.raises(InputError, match="--direction"):
        oriented(score, repaid, "up")


def test_nothing_to_fit_on_says_so():
    features, defaulted = table()
    with pytest.raises(InputError, match="no column is left"):
        fit_risk_score(features.select("constant"), defaulted)
    with pytest.raises(InputError, match="--folds"):
        fit_risk_score(features, defaulted, num_folds=1)
