"""From what a person writes to a policy, in a world that shows what the policy reads."""

from typing import Any

import jax.random as jr
from jaxtyping import PRNGKeyArray

from evenhand.algorithms.model_policy import model_notes
from evenhand.algorithms.policies import LEARNS_IN_WORLD, READS, make_policy, read_policy
from evenhand.algorithms.rules import bin_edges, score_cut
from evenhand.core.policy import AbstractPolicy
from evenhand.envs.level_shares import LevelShares


def parse_policy(text: str, env: Any, params: Any, key: PRNGKeyArray) -> tuple[AbstractPolicy, Any]:
    """The policy that `text` names and the world to run it in; `key` is for those that learn.

    Texts are the names in `POLICIES`: "approve-all", "deny-all", "constant:0.5", "threshold:3",
    "threshold:3,2", "score>=620", "max-util", "max-util-fitted", "equal-opportunity",
    "accuracy-classifier", the path of a .csv table (group,level,approve), or a fitted model's file,
    such as "card.skops>=0.7"; pickles need `allow_pickles()`. The world comes back wrapped if the
    policy reads more than it shows.
    """
    reads = READS.get(read_policy(text).name, ())
    if "level-shares" in reads and "level-shares" not in env.slices:
        env = LevelShares(env)
    return make_policy(text, env, params, key), env


def check_policy(text: str, env: Any, params: Any) -> None:
    """Raise what `parse_policy` would, without running the world for policies that learn in it."""
    if read_policy(text).name not in LEARNS_IN_WORLD:
        parse_policy(text, env, params, jr.key(0))


def policy_notes(text: str, env: Any) -> list[str]:
    """What a person should know about how `text` was read, such as a score moved to an edge."""
    name, argument = read_policy(text)
    if name == "model":
        return model_notes(text, env)
    if name != "score":
        return []
    note = score_cut(float(argument or ""), bin_edges(env))[1]
    return [] if note is None else [note]
