"""Problems restricted to nearly optimal actions and to known states, and plans for them.

Jabbari, Joseph, Kearns, Morgenstern and Roth (2017): a finite problem whose reward belongs to the
state, an action mask for every state (Def. 5), and the two problems that a learner plans in when
it knows some states only (Defs. 9, 10). Every array may have leading axes `*B`: runs that are
planned for at once, none of which can tell that the others are there.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int


def action_mask(
    q_values: Float[np.ndarray, "*B S A"],
    slack: float | Float[np.ndarray, "*B 1 1"],
    tie: float = 0.0,
) -> Bool[np.ndarray, "*B S A"]:
    """The actions whose value is within `slack` of the best one (Def. 5); one slack, or per run.

    With the true Q* of the whole problem and slack alpha, every law on these actions is
    alpha-action fair (Obs. 4), and an optimal policy is left (Obs. 5). With estimates within
    alpha / 4 of the truth and slack alpha / 2 the same holds: an action that stays is within
    alpha / 2 + 2 alpha / 4 of the best, and an optimal one at most 2 alpha / 4 below an estimate.
    """
    return q_values >= q_values.max(-1, keepdims=True) - (slack + tie)


class KnownModel(NamedTuple):
    """A problem of the known states and one absorbing state that stands for all others.

    `exploitation` is the reward of M_Gamma (Def. 9): that of the known states, 0 elsewhere.
    `exploration` is the reward of M_[n]\\Gamma (Def. 10): 1 outside, 0 on the known states. The
    states keep their numbers, so those that are not known are copies of the absorbing one, which
    comes last; `Z` is S + 1.
    """

    transition: Float[np.ndarray, "*B Z A Z"]
    mask: Bool[np.ndarray, "*B Z A"]
    exploitation: Float[np.ndarray, "*B Z"]
    exploration: Float[np.ndarray, "*B Z"]


def known_model(
    transition: Float[np.ndarray, "*B S A S"],
    reward: Float[np.ndarray, "*B S"],
    known: Bool[np.ndarray, "*B S"],
    mask: Bool[np.ndarray, "*B S A"],
) -> KnownModel:
    """The problem of the known states; only they are restricted to their mask."""
    *batch, S, A, _ = transition.shape
    move = np.zeros((*batch, S + 1, A, S + 1))
    stays = known[..., None, None, :]
    move[..., :S, :, :S] = np.where(stays, transition, 0.0)
    move[..., :S, :, S] = np.where(stays, 0.0, transition).sum(-1)
    outside = np.append(~known, np.ones((*batch, 1), bool), -1)
    move[outside] = np.eye(S + 1)[S]
    allowed = np.ones((*batch, S + 1, A), bool)
    allowed[..., :S, :] = mask | ~known[..., None]
    inside = np.zeros((*batch, S + 1))
    inside[..., :S] = np.where(known, reward, 0.0)
    return KnownModel(move, allowed, inside, outside.astype(float))


class StagePlan(NamedTuple):
    """Stage-dependent best actions: entry 0 is for the first of L stages.

    `values[0]` is what the plan earns from every state; `values[L]` what was promised at the end.
    """

    actions: Int[np.ndarray, "L *B Z"]
    values: Float[np.ndarray, "L1 *B Z"]


def stage_plan(
    transition: Float[np.ndarray, "*B Z A Z"],
    mask: Bool[np.ndarray, "*B Z A"],
    running: Float[np.ndarray, "*B Z"],
    final: Float[np.ndarray, "*B Z"],
    discount: float,
    num_steps: int,
) -> StagePlan:
    """The plan that earns most in `num_steps` steps by actions of the mask; ties go to the lower.

    V_0 = final and V_{t+1}(s) = running(s) + discount * max over a of sum_s' P(s, a, s') V_t(s').
    """
    actions = np.empty((num_steps, *running.shape), np.int64)
    values = np.empty((num_steps + 1, *running.shape))
    values[num_steps] = final
    for t in reversed(range(num_steps)):
        ahead = np.where(mask, _ahead(transition, values[t + 1]), -np.inf)
        actions[t] = ahead.argmax(-1)
        values[t] = running + discount * ahead.max(-1)
    return StagePlan(actions, values)


def escape_plan(model: KnownModel, num_steps: int) -> StagePlan:
    """The plan that leaves the known states within `num_steps` steps as surely as the mask allows.

    `values[0]` are the escape probabilities h(s) of all states at once: the value of M_[n]\\Gamma
    with its reward counted after the last step, when who has left is still outside.
    """
    return stage_plan(
        model.transition, model.mask, 0 * model.exploration, model.exploration, 1.0, num_steps
    )


class StationaryPlan(NamedTuple):
    """Best actions for ever, and the discounted values of states."""

    actions: Int[np.ndarray, "*B Z"]
    values: Float[np.ndarray, "*B Z"]


def discounted_plan(
    transition: Float[np.ndarray, "*B Z A Z"],
    mask: Bool[np.ndarray, "*B Z A"],
    reward: Float[np.ndarray, "*B Z"],
    discount: float,
    max_iterations: int = 1000,
) -> StationaryPlan:
    """The plan with the largest discounted return by actions of the mask, by policy iteration.

    A run whose plan is final solves the same equations again while others go on, so that its
    values do not depend on their number.
    """
    eye = np.eye(reward.shape[-1])
    actions, values = mask.argmax(-1), reward
    for _ in range(max_iterations):
        move = np.take_along_axis(transition, actions[..., None, None], -2)[..., 0, :]
        values = np.linalg.solve(eye - discount * move, reward[..., None])[..., 0]
        ahead = np.where(mask, _ahead(transition, values), -np.inf)
        kept = np.take_along_axis(ahead, actions[..., None], -1)[..., 0]
        # Only a real improvement switches an action; rounding alone would let ties cycle.
        better = ahead.max(-1) > kept + 1e-12 * (1 + np.abs(kept))
        if not better.any():
            break
        actions = np.where(better, ahead.argmax(-1), actions)
    return StationaryPlan(actions, values)


def exploitation_plan(model: KnownModel, discount: float) -> StationaryPlan:
    """The best policy of the known states, to which everything outside is worth nothing."""
    return discounted_plan(model.transition, model.mask, model.exploitation, discount)


def q_values(
    transition: Float[np.ndarray, "*B S A S"], reward: Float[np.ndarray, "*B S"], discount: float
) -> Float[np.ndarray, "*B S A"]:
    """Q*(s, a) = R(s) + discount * sum_s' P(s, a, s') V*(s'), without any restriction."""
    plan = discounted_plan(transition, np.ones(transition.shape[:-1], bool), reward, discount)
    return reward[..., None] + discount * _ahead(transition, plan.values)


def simulation_bound(reward_error: float, row_error: float, discount: float) -> float:
    """How far values of any policy may be off in a model with these errors, rewards in [0, 1].

    (e_R + discount * e_P / (2 (1 - discount))) / (1 - discount), where e_R is the largest error of
    a mean reward and e_P the largest L1 error of a row: values span at most 1 / (1 - discount), and
    a row that is off by e_P moves e_P / 2 of mass. The sharp form of Lemmas 12 and 13.
    """
    return (reward_error + discount * row_error / (2 * (1 - discount))) / (1 - discount)


def _ahead(
    transition: Float[np.ndarray, "*B S A S"], values: Float[np.ndarray, "*B S"]
) -> Float[np.ndarray, "*B S A"]:
    """Expected value of the next state. A product of matrices for each run, never one of all."""
    return (transition @ values[..., None, :, None])[..., 0]
