"""What worlds remember, recomputed from the record of what happened."""

from collections import deque

import jax.numpy as jnp
import jax.random as jr
import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from evenhand.core.errors import InputError
from evenhand.core.rollout import rollout, start
from evenhand.data.presets import gym
from evenhand.envs.admissions import Admissions
from evenhand.envs.lending import Lending
from evenhand.envs.observing import with_features

WINDOW, STEPS = 25, 120
NAMES = (
    *("score-onehot", "group"),
    *("running-rates", f"recent-rates-{WINDOW}", f"history-{WINDOW}"),
)


@pytest.fixture(scope="module")
def history():
    env = with_features(Lending(gym(3, 20)), NAMES)

    def act(key, obs):
        return jr.bernoulli(key).astype(jnp.int32)

    params = env.default_params()
    actors = start(jr.key(0), env, params, 1)
    _, seen = rollout(jr.key(1), env, params, act, actors, STEPS)
    return env, seen


def test_running_rates_are_those_of_the_episode_so_far(history):
    env, seen = history
    outcome = seen.outcome
    group, decision, label = (
        np.asarray(x)[:, 0] for x in (outcome.group, outcome.decision, outcome.label)
    )
    shown = np.asarray(seen.obs[:, 0, env.slices["running-rates"]])
    gap = np.asarray(seen.rewards[:, 0, env.signals.index("tpr_gap")])
    for t in range(STEPS):
        assert shown[t] == pytest.approx(rates(group[:t], decision[:t], label[:t]))
        after = rates(group[: t + 1], decision[: t + 1], label[: t + 1])
        assert gap[t] == pytest.approx(max(after) - min(after), abs=1e-6)


def test_recent_rates_are_those_of_a_queue_of_applicants(history):
    env, seen = history
    outcome = seen.outcome
    group, decision, label = (
        np.asarray(x)[:, 0] for x in (outcome.group, outcome.decision, outcome.label)
    )
    shown = np.asarray(seen.obs[:, 0, env.slices[f"recent-rates-{WINDOW}"]]).reshape(-1, 3, 3)
    gap = np.asarray(seen.rewards[:, 0, env.signals.index("recent_tpr_gap")])
    queue = deque(maxlen=WINDOW)
    for t in range(STEPS):
        assert shown[t, 0] == pytest.approx(queue_rates(queue))
        for g in range(3):
            for row, choice in ((1, 1), (2, 0)):
                after = queue_rates([*queue, (g, choice, 1)])
                assert shown[t, row, g] == pytest.approx(max(after) - min(after), abs=1e-6)
        queue.append((group[t], decision[t], label[t]))
        after = queue_rates(queue)
        assert gap[t] == pytest.approx(max(after) - min(after), abs=1e-6)
    assert len(queue) == WINDOW


def queue_rates(queue):
    return rates(*np.asarray([*queue], int).reshape(-1, 3).T)


def rates(group, decision, label):
    """True positive rate of each of three groups; 0 where nobody qualified."""
    found = []
    for g in range(3):
        qualified = (group == g) & (label == 1)
        found.append(decision[qualified].mean() if qualified.any() else 0.0)
    return found


def test_history_holds_the_last_applicants_and_not_the_present_one(history):
    env, seen = history
    group, level = (np.asarray(x)[:, 0] for x in env.decode(seen.obs))
    shown = np.asarray(seen.obs[:, 0, env.slices[f"history-{WINDOW}"]])
    w1 = np.asarray(seen.rewards[:, 0, env.signals.index("score_w1")])
    for t in range(STEPS):
        past = slice(max(0, t - WINDOW), t)
        counts = np.zeros((3, env.num_levels))
        np.add.at(counts, (group[past], level[past]), 1)
        assert shown[t] == pytest.approx(counts.ravel() / (counts.sum() + 1))
        now = slice(max(0, t + 1 - WINDOW), t + 1)
        assert w1[t] == pytest.approx(largest_w1(group[now], level[now]), abs=1e-5)


def largest_w1(group, level):
    """Largest distance between two groups' levels, by the general-purpose solver."""
    sets = [level[group == g] for g in range(3) if (group == g).any()]
    pairs = [wasserstein_distance(a, b) for i, a in enumerate(sets) for b in sets[:i]]
    return max(pairs, default=0.0)


def test_windows_leave_the_world_as_it_is(history):
    _, seen = history
    plain = Lending(gym(3, 20), features=("score-onehot", "group"))
    params = plain.default_params()

    def act(key, obs):
        return jr.bernoulli(key).astype(jnp.int32)

    actors = start(jr.key(0), plain, params, 1)
    _, bare = rollout(jr.key(1), plain, params, act, actors, STEPS)
    assert np.array_equal(bare.obs, seen.obs[..., : plain.obs_size])
    assert np.array_equal(bare.rewards, seen.rewards[..., : len(plain.signals)])
    assert np.array_equal(bare.outcome.person, seen.outcome.person)


def test_the_order_of_window_names_does_not_matter():
    one = with_features(Lending, ("score-onehot", "group", "history-9", "running-rates"))
    other = with_features(Lending, ("running-rates", "score-onehot", "history-9", "group"))
    assert one == other
    assert list(one.slices) == ["score-onehot", "group", "running-rates", "history-9"]
    assert one.signals == (*Lending.signals, "tpr_gap", "score_w1")


def test_features_of_a_world_are_replaced_and_its_population_kept():
    first = with_features(Admissions, ("score-scaled", "group", "running-rates"))
    again = with_features(first, ("score-onehot", "group"))
    assert isinstance(again, Admissions)
    assert again.built_from.value is first.built_from.value


@pytest.mark.parametrize(
    ("world", "names", "says"),
    [
        (Lending, ("score-onehot", "runing-rates"), "'running-rates'"),
        (Lending, ("score-onehot", "history"), "'history-300'"),
        (Lending, ("score-onehot", "group", "history-0"), "at least 1"),
        (Lending, ("group", "recent-rates-0"), "at least 1"),
        (Lending, ("group", "history-9"), "show no score"),
        (Lending, ("score-onehot", "history-9"), "add the feature 'group'"),
        (Lending, ("score-onehot", "group", "history-9", "history-8"), "twice"),
        (Lending, ("group", "group"), "twice"),
        (Lending, ("running-rates",), "needs a feature"),
        (Admissions, ("own-ratios",), "no observation feature 'own-ratios'"),
    ],
)
def test_wrong_feature_names_are_answered(world, names, says):
    with pytest.raises(InputError, match=says):
        with_features(world, names)
