"""From what a person writes to a policy as a table, for everything that is computed exactly."""

import re
from functools import partial
from typing import Any

import numpy as np

from evenhand.algorithms.model_text import read_model_text
from evenhand.core.errors import InputError
from evenhand.data.population import LendingPopulation
from evenhand.tabular.rule_table import (
    file_table,
    level_cuts,
    read_number,
    score_cut,
    score_edges,
    share_of,
    threshold_table,
)


def policy_table(text: str, population: LendingPopulation, seed: int = 0) -> np.ndarray:
    """`(G, K, 2)` probabilities of denial and approval, by group and level.

    Constants, thresholds, scores and .csv tables are read in numpy. Any other text that
    `parse_policy` knows is made in a world that shows group and level only, and read off there:
    this imports jax, and `seed` is for policies that learn there. A policy that looks at more than
    group and level has no table.
    """
    approve = _rule(text.strip(), population)
    if approve is None:
        return _read_off(text, population, seed)
    return np.stack([1 - approve, approve], -1)


def table_notes(text: str, population: LendingPopulation) -> list[str]:
    """What a person should know about how `text` was read: a score moved to a level's edge.

    Of a model in a file also what `model_notes` tells; this imports jax.
    """
    if read_model_text(text) is not None:
        from evenhand.algorithms.model_policy import model_notes

        return model_notes(text, _shown(population))
    score = _score(text.strip())
    if score is None:
        return []
    note = score_cut(score, score_edges(population))[1]
    return [] if note is None else [note]


def _rule(text: str, population: LendingPopulation) -> np.ndarray | None:
    """`(G, K)` approval probabilities of a plain rule; None for everything else."""
    groups, levels = population.num_groups, population.num_levels
    if text.lower().endswith(".csv"):
        return file_table(text, population.groups, levels)
    if text in ("approve-all", "deny-all"):
        return np.full((groups, levels), float(text == "approve-all"))
    name, _, argument = text.partition(":")
    if name == "constant" and argument:
        return np.full((groups, levels), share_of(argument))
    if name == "threshold" and argument:
        return threshold_table(level_cuts(argument, groups, levels), levels)
    score = _score(text)
    if score is None:
        return None
    cut, _ = score_cut(score, score_edges(population))
    return threshold_table(np.full(groups, cut), levels)


def _score(text: str) -> float | None:
    found = re.fullmatch(r"score\s*>=\s*(\S+)", text)
    return None if found is None else read_number(found[1], "a score")


def _read_off(text: str, population: LendingPopulation, seed: int) -> np.ndarray:
    import jax
    import jax.numpy as jnp
    import jax.random as jr

    from evenhand.core.policy import TabularPolicy
    from evenhand.experiments.choose_policy import parse_policy

    env = _shown(population)
    policy, shown = parse_policy(text, env, env.default_params(), jr.key(seed))
    if shown is not env:
        raise InputError(
            f"policy {text!r} looks at more than group and level, so it is no table; "
            "write it as a .csv file with columns group,level,approve"
        )
    if isinstance(policy, TabularPolicy):
        return _as_laws(np.asarray(policy.table, np.float64))
    obs = _every_observation(env)
    log_prob = jax.vmap(lambda seen: jax.vmap(partial(policy.log_prob, seen))(jnp.arange(2)))
    found = np.exp(np.asarray(log_prob(jnp.asarray(obs)), np.float64))
    return _as_laws(found.reshape(population.num_groups, population.num_levels, 2))


def _shown(population: LendingPopulation) -> Any:
    """The world of these people, which shows group and level only."""
    from evenhand.envs.lending import Lending

    return Lending(population, features=("score-onehot", "group"))


def _every_observation(env: Any) -> np.ndarray:
    """`(G * K, obs)` what is shown of an applicant of each group and level."""
    groups, levels = env.num_groups, env.num_levels
    obs = np.zeros((groups, levels, groups + levels), np.float32)
    obs[..., env.slices["score-onehot"]] = np.eye(levels)
    obs[..., env.slices["group"]] = np.eye(groups)[:, None]
    return obs.reshape(groups * levels, -1)


def _as_laws(table: np.ndarray) -> np.ndarray:
    # Single precision: rows sum to one only to about 1e-7.
    return table / table.sum(-1, keepdims=True)
