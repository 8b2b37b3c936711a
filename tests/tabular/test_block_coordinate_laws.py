"""Exact turns of one group after the other against the joint program."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from evenhand.core.errors import InputError
from evenhand.data.river_swim import TASKS, River, swimmers
from evenhand.tabular.block_coordinate import OneGroup, block_ascent, excess_of, intervals
from evenhand.tabular.evaluation import expected_returns
from evenhand.tabular.group_fair_lp import GroupFairLP
from evenhand.tabular.mdp import TabularMDP
from evenhand.tabular.river_swim import oracle_initial_policy, river_swim_mdp

TOL = 1e-6


def random_world(seed, groups=2, tasks=2):
    rng = np.random.default_rng(seed)
    return TabularMDP(
        transition=rng.dirichlet(np.full(3, 0.5), (groups, 3, 2)),
        rewards=rng.uniform(size=(groups, 3, 2, tasks)),
        initial=rng.dirichlet(np.ones(3), groups),
        group_size=np.ones(groups),
        horizon=3,
        signals=TASKS[:tasks],
    )


def uniform(mdp):
    return np.full((mdp.num_groups, mdp.num_states, mdp.num_actions), 0.5)


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), groups=st.sampled_from([2, 3]), slack=st.floats(0.0, 1.0))
def test_turns_never_lower_the_total_never_pass_the_optimum_and_keep_the_tolerance(
    seed, groups, slack
):
    mdp = random_world(seed, groups)
    J = expected_returns(mdp, uniform(mdp))
    tolerance = np.ptp(J, 0) + slack * 0.3
    end = block_ascent(mdp, tolerance, uniform(mdp))
    assert end.settled
    assert end.excess < TOL
    assert np.all(np.diff(end.totals) > -TOL)
    best = GroupFairLP(mdp, tolerance).solve()
    assert end.totals[-1] <= best.J.sum() + TOL
    np.testing.assert_allclose(expected_returns(mdp, end.policy), end.J, atol=1e-9)


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6))
def test_from_the_joint_optimum_no_turn_leads_anywhere(seed):
    mdp = random_world(seed)
    best = GroupFairLP(mdp, 0.2).solve()
    if best.policy is None:
        return
    end = block_ascent(mdp, 0.2, best.policy)
    assert end.sweeps == 1
    assert end.totals[-1] == pytest.approx(best.J.sum(), abs=TOL)


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6), tolerance=st.floats(0.05, 0.5))
def test_with_one_task_and_two_groups_turns_reach_the_joint_optimum(seed, tolerance):
    # Both returns are intervals: as long as neither is at its best, one of them can still rise.
    mdp = random_world(seed, tasks=1)
    worst = GroupFairLP(mdp, tolerance).solve()
    if worst.policy is None:
        return
    modest = oracle(mdp, tolerance)
    end = block_ascent(mdp, tolerance, modest)
    assert end.totals[-1] == pytest.approx(worst.J.sum(), abs=1e-5)


def oracle(mdp, tolerance):
    """Policies that keep the tolerance and are as bad as can be."""
    upside_down = replace(mdp, rewards=-mdp.rewards)
    found = GroupFairLP(upside_down, tolerance).solve()
    return found.policy


def test_without_constraints_one_sweep_gives_every_group_its_own_optimum():
    mdp = random_world(3, groups=3)
    end = block_ascent(mdp, np.inf, uniform(mdp))
    assert end.sweeps == 2
    assert end.totals[-1] == pytest.approx(GroupFairLP(mdp).solve().J.sum(), abs=TOL)


def test_one_groups_program_agrees_with_a_program_written_out_in_full():
    mdp = random_world(5)
    J = expected_returns(mdp, uniform(mdp))
    low, high = intervals(J, 1, np.array([0.1, 0.2]))
    policy, excess = OneGroup(mdp, 1).solve(low, high)
    H, S, A = policy.shape
    index = np.arange(H * S * A).reshape(H, S, A)
    rows, right = np.zeros((H * S, H * S * A)), np.zeros(H * S)
    for h in range(H):
        for s in range(S):
            row = h * S + s
            rows[row, index[h, s]] = 1.0
            if h:
                rows[row, index[h - 1].ravel()] -= mdp.transition[1, :, :, s].ravel()
            else:
                right[row] = mdp.initial[1, s]
    tasks = np.tile(mdp.rewards[1].reshape(S * A, 2), (H, 1)).T
    found = linprog(
        -tasks.sum(0), np.vstack([tasks, -tasks]), np.concatenate([high, -low]), rows, right
    )
    if excess > 1e-9:
        assert found.status == 2
        return
    both = np.stack([uniform(mdp)[:, None].repeat(H, 1)[0], policy])
    assert expected_returns(mdp, both)[1].sum() == pytest.approx(-found.fun, abs=1e-6)


def test_turns_get_stuck_where_two_groups_could_gain_together():
    # Group 0 turns task 2 into gold, group 1 task 1: one stage, one state, three actions.
    rewards = np.array(
        [
            [[[2 / 3, 2 / 3], [0.0, 2.0], [1.0, 0.0]]],
            [[[2 / 3, 2 / 3], [2.0, 0.0], [0.0, 1.0]]],
        ]
    )
    mdp = TabularMDP(
        transition=np.ones((2, 1, 3, 1)), rewards=rewards, initial=np.ones((2, 1)),
        group_size=np.ones(2), horizon=1, signals=TASKS[:2],
    )  # fmt: skip
    start = np.zeros((2, 1, 3))
    start[:, :, 0] = 1.0
    best = GroupFairLP(mdp, 0.5).solve()
    end = block_ascent(mdp, 0.5, start)
    assert best.J.sum() == pytest.approx(3.0)
    np.testing.assert_allclose(best.J, [[0.5, 1.0], [1.0, 0.5]], atol=TOL)
    # By hand: group 0 moves to (5/12, 7/6) at once, and group 1 must then stay where it is.
    np.testing.assert_allclose(end.J, [[5 / 12, 7 / 6], [2 / 3, 2 / 3]], atol=1e-5)
    assert end.totals[-1] == pytest.approx(35 / 12, abs=1e-5)


@pytest.mark.parametrize(("groups", "tasks"), [(2, 1), (3, 1)])
@pytest.mark.parametrize("tolerance", [1.1, 0.5])
def test_on_riverswim_with_one_task_turns_reach_the_optimum(groups, tasks, tolerance):
    mdp = river_swim_mdp(River(swimmers(groups), TASKS[:tasks]))
    end = block_ascent(mdp, tolerance, oracle_initial_policy(mdp).policy)
    best = GroupFairLP(mdp, tolerance).solve()
    assert end.totals[-1] == pytest.approx(best.J.sum(), abs=1e-5)


def test_on_riverswim_with_three_tasks_turns_stop_far_from_the_optimum():
    mdp = river_swim_mdp(River(swimmers(2), TASKS))
    end = block_ascent(mdp, 0.5, oracle_initial_policy(mdp).policy)
    best = GroupFairLP(mdp, 0.5).solve()
    assert end.settled
    assert end.excess < TOL
    assert end.totals[-1] < 0.8 * best.J.sum()


def test_a_start_that_breaks_the_constraints_is_brought_to_keep_them():
    mdp = river_swim_mdp(River())
    free = GroupFairLP(mdp).solve()
    assert excess_of(free.J, np.array([1.1])) > 1
    assert block_ascent(mdp, 1.1, free.policy).excess < TOL


def test_an_order_that_leaves_a_group_out_is_refused():
    with pytest.raises(InputError, match="order"):
        block_ascent(random_world(0), 0.5, uniform(random_world(0)), order=(0, 0))
