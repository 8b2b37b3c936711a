"""J on the true model before and after Bisimulator, beside its sampled estimate.

    python papers/bisimulator/objective.py

Trains PPO and Bisimulator with PPO, in full, in Lending (credit only, 1,000 people a group; score
and group observed, so that a policy is a finite table), five seeds. For each it computes J_rew and
J_dyn twice: exactly, over the joint law of true level and observed score in an episode, and as
Bisimulator does, from sampled decisions and a fitted model. "Before" is PPO's policy in the world
as it is; "after" is Bisimulator's policy, with its corrected reward and its observation. Beside
them stands the exact group bisimulation metric between matched groups (equation 7 in full) for the
true level alone. Results go to `results/objective.csv`.
"""

from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import jax.random as jr
import numpy as np

from evenhand.algorithms.parts.bisimulation import action_probs, collect_samples
from evenhand.algorithms.parts.observation_search import ObservationSearch
from evenhand.core.files import write_text
from evenhand.core.training import train
from evenhand.data.presets import gym
from evenhand.envs.lending import Lending
from evenhand.experiments.compilation import configure_compilation
from evenhand.experiments.methods import make_algorithm, num_updates, train_key, training_episode
from evenhand.experiments.paper.study import read_study
from evenhand.tabular.bisimulation import group_bisimulation_metric
from evenhand.tabular.observed import observed_model
from evenhand.tabular.quartile_matching import bisimulation_objective, matched_distance

HERE = Path(__file__).parent
SEEDS, STEPS, DISCOUNT = 5, 400_000, 0.99
COLUMNS = "seed,policy,J_rew,J_rew_sampled,J_dyn,J_dyn_sampled,metric_matched"


def trained(method: str, seed: int, env: Any) -> tuple[Any, Any]:
    """The algorithm of the study and its run after the whole budget."""
    options = read_study(HERE).scenario("lending").experiment.options
    algorithm = make_algorithm(method, options, STEPS)
    state, _ = train(
        train_key(seed), algorithm, env, env.default_params(),
        num_updates=num_updates(algorithm, STEPS),
        train_episode_steps=training_episode(env, algorithm),
    )  # fmt: skip
    return algorithm, state


def every_observation(env: Any) -> jax.Array:
    """`(G, K, obs)` what the world shows of each group at each level."""
    groups, levels = env.num_groups, env.num_levels
    level = np.broadcast_to(np.eye(levels), (groups, levels, levels))
    group = np.broadcast_to(np.eye(groups)[:, None], (groups, levels, groups))
    return jnp.asarray(np.concatenate([level, group], -1), jnp.float32)


def exact(policy: Any, change: np.ndarray, params: Any, env: Any) -> tuple[float, float, float]:
    """J_rew, J_dyn, the matched metric; `change (G, K, A)` corrects rewards by observed level."""
    shown = every_observation(env)
    flat = shown.reshape(-1, env.obs_size)
    approve = np.asarray(action_probs(policy, flat, 2), float)[:, 1].reshape(shown.shape[:2])
    up, down = np.asarray(params.observed_up, float), np.asarray(params.observed_down, float)
    model = observed_model(gym(), up, down)
    seen, laws = model.as_seen(model.visited(model.seen_by(approve)))
    level = np.rint(np.linspace(0, env.num_levels - 1, seen.num_states)).astype(int)
    table = np.stack([1 - approve, approve], -1)[:, level]
    rewards = seen.rewards[..., 0] + change[:, level]
    found = bisimulation_objective(seen, table, laws, DISCOUNT, rewards=rewards, given_action=True)
    person = gym().person()
    by_level = np.stack([1 - approve, approve], -1)
    metric = group_bisimulation_metric(person, by_level, DISCOUNT, 1e-6).value
    assert metric is not None
    return found.reward, found.dynamics, matched_distance(metric, person.initial)


def sampled(
    key: Any, algorithm: Any, env: Any, params: Any, policy: Any, network: Any
) -> tuple[float, float]:
    """J_rew and J_dyn as Bisimulator estimates them, from four whole episodes."""
    search = eqx.tree_at(lambda s: s.model_rate, ObservationSearch(model_updates=4_000), 1e-3)
    collect = lambda key, params: collect_samples(  # noqa: E731
        key, env, params, policy, 4, env.episode_steps
    )
    model = search.form.init(key, env)
    _, dynamics, (samples, bins) = eqx.filter_jit(search.examine)(
        list(jr.split(key, 4)), env, params, model, collect
    )
    probs = action_probs(policy, samples.obs, env.num_actions)
    return float(algorithm.correction.gap(network, samples, probs, bins)), float(dynamics)


def row(seed: int, name: str, policy: Any, network: Any, params: Any, bisim: Any, env: Any) -> str:
    """One line of the table."""
    shown = every_observation(env)
    group = jnp.broadcast_to(jnp.arange(env.num_groups)[:, None], shown.shape[:2])
    change = np.asarray(bisim.correction.change(network, shown, group, env.num_groups), float)
    rewards, dynamics, metric = exact(policy, change, params, env)
    estimate = sampled(jr.key(10_000 + seed), bisim, env, params, policy, network)
    numbers = (rewards, estimate[0], dynamics, estimate[1], metric)
    return ",".join([str(seed), name, *(f"{value:.4f}" for value in numbers)])


def main() -> None:
    """Train, measure, write."""
    configure_compilation()
    env = Lending(features=("score-onehot", "group"))
    lines = [COLUMNS]
    for seed in range(SEEDS):
        ppo, before = trained("ppo", seed, env)
        bisim, after = trained("bisimulator-ppo", seed, env)
        fresh = bisim.init(jr.key(0), env, env.default_params()).learner.correction.network
        learned = after.learner.correction.network
        shown = bisim.deployed(after, env.default_params())
        for name, policy, network, params in (
            ("before", ppo.policy(before), fresh, env.default_params()),
            ("after", bisim.policy(after), learned, shown),
        ):
            lines.append(row(seed, name, policy, network, params, bisim, env))
            print(lines[-1], flush=True)
    write_text(HERE / "results" / "objective.csv", "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
