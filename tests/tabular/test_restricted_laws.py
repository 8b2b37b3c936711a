"""Laws of restricted problems, each on 400 random models; linear programs as a second solver."""

import numpy as np
import pytest
from scipy.optimize import linprog

from evenhand.tabular.restricted import (
    action_mask,
    discounted_plan,
    escape_plan,
    exploitation_plan,
    known_model,
    q_values,
    simulation_bound,
    stage_plan,
)

N, S, A, GAMMA = 400, 5, 3, 0.8


@pytest.fixture(scope="module")
def models():
    """400 models (transition, reward, Q*), some of them with ties and certain moves."""
    rng = np.random.default_rng(7)
    transition = rng.dirichlet(np.full(S, 0.4), (N, S, A))
    transition[:100] = np.eye(S)[rng.integers(S, size=(100, S, A))]
    reward = rng.random((N, S))
    reward[:50] = rng.integers(2, size=(50, S))
    return transition, reward, q_values(transition, reward, GAMMA)


@pytest.fixture(scope="module")
def alphas():
    return np.random.default_rng(8).uniform(0, 1.0, (N, 1, 1))


def everything(transition):
    return np.ones(transition.shape[:-1], bool)


def policy_value(transition, reward, actions):
    """By summing the first 200 powers of the chain: no equation is solved."""
    move = np.take_along_axis(transition, actions[..., None, None], -2)[..., 0, :]
    value = np.zeros_like(reward)
    for _ in range(200):
        value = reward + GAMMA * (move @ value[..., None])[..., 0]
    return value


def lp_value(transition, mask, reward, discount):
    """max over occupancies, none of them off the mask, of what is earned from a uniform start."""
    n, k, _ = transition.shape
    flow = np.repeat(np.eye(n), k, 1) - discount * transition.reshape(n * k, n).T
    found = linprog(
        -np.repeat(reward, k),
        A_eq=flow,
        b_eq=np.full(n, (1 - discount) / n),
        bounds=[(0, None if allowed else 0) for allowed in mask.ravel()],
    )
    assert found.status == 0
    return -found.fun


def test_q_values_solve_bellman_s_equation(models):
    transition, reward, q = models
    ahead = np.einsum("nsat,nt->nsa", transition, q.max(-1))
    assert np.abs(reward[..., None] + GAMMA * ahead - q).max() < 1e-9


@pytest.mark.parametrize("slack", ["alpha", 0.0])
def test_every_law_on_the_mask_is_alpha_action_fair(models, alphas, slack):
    # Obs. 4, and with slack 0 any optimal law is 0-action fair (Obs. 2).
    _, _, q = models
    alpha = alphas if slack == "alpha" else np.zeros((N, 1, 1))
    mask = action_mask(q, alpha)
    laws = np.random.default_rng(1).dirichlet(np.ones(A), (N, S)) * mask
    laws /= laws.sum(-1, keepdims=True)
    for better in range(A):
        for worse in range(A):
            bound = q[..., better] > q[..., worse] + alpha[..., 0] + 1e-12
            assert (laws[..., better] >= laws[..., worse])[bound].all()


def test_the_best_policy_of_the_restricted_problem_is_best_in_the_whole(models, alphas):
    transition, reward, q = models  # Obs. 5
    plan = discounted_plan(transition, action_mask(q, alphas), reward, GAMMA)
    assert np.abs(plan.values - q.max(-1)).max() < 1e-8
    assert np.abs(policy_value(transition, reward, plan.actions) - q.max(-1)).max() < 1e-8


def test_masks_grow_with_alpha_from_the_best_actions_to_all(models, alphas):
    _, _, q = models
    small, large = action_mask(q, alphas), action_mask(q, alphas * 1.7)
    assert not (small & ~large).any()
    assert action_mask(q, GAMMA / (1 - GAMMA)).all()
    assert np.array_equal(action_mask(q, 0.0), q == q.max(-1, keepdims=True))


def test_masks_of_estimates_are_between_the_best_actions_and_the_true_mask(models, alphas):
    _, _, q = models
    noise = np.random.default_rng(3).uniform(-1, 1, q.shape) * alphas / 4
    kept = action_mask(q + noise, alphas / 2, tie=1e-12)
    assert not (kept & ~action_mask(q, alphas, tie=1e-9)).any()
    assert not (action_mask(q, 0.0) & ~kept).any()


@pytest.fixture(scope="module")
def partly(models, alphas):
    """Known states, masks and the model of the known states for every model."""
    transition, reward, q = models
    known = np.random.default_rng(5).random((N, S)) < 0.6
    known[:20], known[20:40] = True, False
    mask = action_mask(q, alphas)
    return known, mask, known_model(transition, reward, known, mask)


def test_models_of_known_states_are_problems_that_agree_inside(models, partly):
    transition, reward, _ = models
    known, mask, model = partly
    assert np.abs(model.transition.sum(-1) - 1).max() < 1e-12
    inside = known[:, :, None, None] & known[:, None, None, :]
    assert (model.transition[:, :S, :, :S] == np.where(inside, transition, 0))[known].all()
    assert (model.transition[:, S, :, S] == 1).all()
    assert (model.transition[:, :S][~known][..., S] == 1).all()
    assert np.array_equal(model.exploitation[:, :S], np.where(known, reward, 0))
    assert np.array_equal(model.exploration[:, :S], 1.0 - known)
    assert (model.mask[:, :S] == np.where(known[..., None], mask, True)).all()


def test_the_known_problem_is_worth_no_more_than_the_whole_and_grows_with_what_is_known(
    models, partly, alphas
):
    transition, reward, q = models
    known, mask, model = partly
    value = exploitation_plan(model, GAMMA).values[:, :S]
    assert (value <= q.max(-1) + 1e-9).all()
    fewer = known & (np.random.default_rng(6).random((N, S)) < 0.7)
    less = exploitation_plan(known_model(transition, reward, fewer, mask), GAMMA).values[:, :S]
    assert (less <= value + 1e-9).all()
    assert np.abs(value - q.max(-1))[known.all(-1)].max() < 1e-8
    assert known.all(-1).sum() >= 20


def test_exploit_or_explore_in_the_restricted_problem(models, partly):
    # The optimum survives the restriction: it earns in the known states, or it leaves them.
    transition, reward, q = models
    known, _, model = partly
    T = 9
    best = q.argmax(-1)
    move = np.take_along_axis(transition, best[..., None, None], -2)[..., 0, :]
    earned = np.zeros((N, S))
    for _ in range(T):
        earned = reward + GAMMA * (move @ earned[..., None])[..., 0]
    exploit = stage_plan(
        model.transition, model.mask, model.exploitation, 0 * model.exploitation, GAMMA, T
    ).values[0][:, :S]
    out = escape_plan(model, T).values[0][:, :S]
    bound = exploit + out * (1 - GAMMA**T) / (1 - GAMMA)
    assert (earned <= bound + 1e-9)[known].all()
    assert (out[known.all(-1)] == 0).all()
    assert (out[~known] == 1).all()


@pytest.mark.parametrize("restricted", [True, False])
def test_exploit_or_explore_holds_with_and_without_a_restriction(models, partly, restricted):
    # Lemma 8 in its exact form: what the optimum earns in T steps it earns inside, or it leaves.
    transition, reward, q = models
    known, mask, _ = partly
    allowed = mask if restricted else everything(transition)
    model, T = known_model(transition, reward, known, allowed), 6
    best = np.eye(A)[q.argmax(-1)]
    move = np.einsum("nsa,nsat->nst", best, transition)
    earned = sum(
        GAMMA**t * np.einsum("nst,nt->ns", np.linalg.matrix_power(move, t), reward)
        for t in range(T)
    )
    inside, outside = model.exploitation, 0 * model.exploitation
    exploit = stage_plan(model.transition, model.mask, inside, outside, GAMMA, T).values[0]
    out = escape_plan(model, T).values[0]
    bound = exploit + out * (1 - GAMMA**T) / (1 - GAMMA)
    assert (earned <= bound[:, :S] + 1e-9)[known].all()


def test_with_every_state_known_nothing_escapes_and_the_problem_is_worth_its_optimum(
    models, alphas
):
    transition, reward, q = models
    model = known_model(transition, reward, np.ones((N, S), bool), action_mask(q, alphas))
    assert (escape_plan(model, 8).values[0][:, :S] == 0).all()
    value = exploitation_plan(model, GAMMA).values[:, :S]
    assert np.abs(value - q.max(-1)).max() < 1e-8


def test_escape_probabilities_are_those_of_walks_that_follow_the_plan(models, partly):
    known, _, model = partly
    rng, T, walks = np.random.default_rng(9), 7, 4000
    for i in (150, 250, 350):
        plan = escape_plan(model, T)
        start = int(known[i].argmax())
        at = np.full(walks, start)
        for t in range(T):
            row = model.transition[i, at, plan.actions[t, i, at]].cumsum(-1)
            at = (rng.random(walks)[:, None] * row[:, -1:] >= row).sum(-1)
        gone = np.append(~known[i], True)[at].mean()
        h = plan.values[0, i, start]
        assert abs(gone - h) < 4.5 * np.sqrt(max(h * (1 - h), 1e-4) / walks)


def test_linear_programs_over_occupancies_find_the_same_optima(partly):
    _, _, model = partly
    best = exploitation_plan(model, GAMMA).values
    for i in range(0, N, 8):
        found = lp_value(model.transition[i], model.mask[i], model.exploitation[i], GAMMA)
        assert abs(found - (1 - GAMMA) * best[i].mean()) < 1e-7


def test_staged_plans_approach_the_stationary_one(partly):
    _, _, model = partly
    staged = stage_plan(
        model.transition, model.mask, model.exploitation, 0 * model.exploitation, GAMMA, 40
    ).values[0]
    assert (
        np.abs(staged - exploitation_plan(model, GAMMA).values).max()
        <= GAMMA**40 / (1 - GAMMA) + 1e-9
    )


def test_values_in_a_model_with_errors_stay_within_the_bound(models):
    transition, reward, _ = models
    rng = np.random.default_rng(11)
    weight = rng.uniform(0, 0.4, (N, 1, 1, 1))
    other = (1 - weight) * transition + weight * rng.dirichlet(np.ones(S), (N, S, A))
    noisy = np.clip(reward + rng.uniform(-0.2, 0.2, (N, S)), 0, 1)
    actions = rng.integers(A, size=(N, S))
    apart = np.abs(policy_value(other, noisy, actions) - policy_value(transition, reward, actions))
    for i in range(N):
        row = np.abs(other[i] - transition[i]).sum(-1).max()
        bound = simulation_bound(np.abs(noisy[i] - reward[i]).max(), row, GAMMA)
        assert apart[i].max() <= bound + 1e-9


def test_a_model_planned_among_others_is_planned_as_alone(models, partly):
    _, _, model = partly
    many = exploitation_plan(model, GAMMA)
    for i in (0, 123, 399):
        alone = exploitation_plan(type(model)(*(part[i] for part in model)), GAMMA)
        assert np.array_equal(alone.values, many.values[i])
        assert np.array_equal(alone.actions, many.actions[i])
