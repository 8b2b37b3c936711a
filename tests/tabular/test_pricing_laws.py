"""The fast recursion over thousands of equal stages against plain backward induction."""

from dataclasses import replace

import numpy as np
import pytest

from evenhand.data.presets import drift_3, gym
from evenhand.tabular.columns import mixed_policy
from evenhand.tabular.evaluation import totals
from evenhand.tabular.lending import person_model
from evenhand.tabular.planning import backward_induction, one_hot
from evenhand.tabular.pricing import Pricer


def models():
    return {
        "gym by time": person_model(gym(population_per_group=20), 1500, "time"),
        "drift by time": person_model(drift_3(), 700, "time"),
        "drift by visit": person_model(drift_3(), 700),
    }


@pytest.mark.parametrize("name", sorted(models()))
def test_the_priced_policy_has_the_totals_it_reports(name):
    mdp = models()[name]
    rng, pricer = np.random.default_rng(0), Pricer(mdp)
    prices = rng.normal(size=(mdp.num_groups, len(mdp.signals) + mdp.num_states))
    found = [pricer.best(g, price) for g, price in enumerate(prices)]
    policy = one_hot(np.stack([column.actions for column in found]), mdp.num_actions)
    reported = np.stack([column.totals for column in found])
    np.testing.assert_allclose(reported, totals(mdp, policy), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", sorted(models()))
def test_the_priced_policy_is_as_good_as_backward_induction(name):
    mdp = models()[name]
    weights = np.array([1.0, -0.3, 0.2, 0.1, -0.4])
    price = np.concatenate([weights, np.zeros(mdp.num_states)])
    pricer, best = Pricer(mdp), backward_induction(mdp, weights)
    for g in range(mdp.num_groups):
        assert pricer.best(g, price).totals @ price == pytest.approx(best.J[g] @ weights, rel=1e-9)


def test_prices_on_the_final_law_alone_move_people_where_they_pay():
    mdp = models()["drift by time"]
    price = np.zeros(len(mdp.signals) + mdp.num_states)
    price[-1] = 1.0
    top = Pricer(mdp).best(0, price).totals[-1]
    for action in (0, 1):
        constant = np.eye(2)[np.full((2, mdp.num_states), action)]
        assert top >= totals(mdp, constant)[0, -1] - 1e-9


def test_a_mixed_policy_has_the_mixed_totals():
    mdp = models()["drift by visit"]
    rng, pricer = np.random.default_rng(1), Pricer(mdp)
    width = len(mdp.signals) + mdp.num_states
    columns = [pricer.best(g, rng.normal(size=width)) for g in (0, 1, 0, 1, 1)]
    share = np.array([0.3, 0.2, 0.7, 0.5, 0.3])
    mixed = totals(mdp, mixed_policy(mdp, columns, share))
    for g in (0, 1):
        expected = sum(
            part * c.totals for part, c in zip(share, columns, strict=True) if c.group == g
        )
        np.testing.assert_allclose(mixed[g], expected, rtol=1e-9, atol=1e-9)


def test_a_horizon_shorter_than_a_block_is_solved_stage_by_stage():
    mdp = replace(models()["drift by time"], horizon=10)
    price = np.concatenate([np.eye(5)[0], np.zeros(mdp.num_states)])
    best = backward_induction(mdp)
    assert Pricer(mdp).best(0, price).totals[0] == pytest.approx(best.J[0, 0])
