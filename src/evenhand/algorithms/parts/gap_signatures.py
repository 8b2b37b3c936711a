"""What went wrong in a run, one sentence each, with what to change."""

import numpy as np

from evenhand.algorithms.certified_start import CertifiedStart
from evenhand.algorithms.optimistic_pessimistic import OptimisticPessimistic
from evenhand.algorithms.parts.gap_learner import Reason
from evenhand.algorithms.parts.gap_problem import ROUNDING, GapProblem
from evenhand.algorithms.parts.gap_record import GapRecord
from evenhand.tabular.learning import gaps, occupancies, radius_to_leave
from evenhand.tabular.least_gap import least_gap


def signatures(record: GapRecord) -> tuple[str, ...]:
    """Sentences about everything that keeps a run from doing or promising what it is for.

    Empty where nothing was found. They read the true dynamics, which the learner could not.
    """
    found = [
        _no_policy_at_all(record),
        _initial_policy_outside(record),
        _only_fallback(record),
        _infeasible_estimates(record),
        _unsolved(record),
        _uncertified(record),
        _event_failed(record),
        _broken_promise(record),
    ]
    return tuple(sentence for sentence in found if sentence)


def visits_to_leave(
    learner: OptimisticPessimistic, problem: GapProblem, num_episodes: int
) -> float:
    """About the visits of every state and action after which any initial policy passes the test.

    b^2 * weight * (4 c H / (tolerance - initial gap))^2: the radius must fall to a share of the
    slack that shrinks with the square of the horizon, since c = S H.
    """
    radius = learner.radius(problem, num_episodes)
    horizon = problem.initial_policy.shape[1]
    return radius.visits_for(radius_to_leave(problem.slack, learner.reward_shift(problem), horizon))


def episodes_to_leave(
    learner: OptimisticPessimistic, problem: GapProblem, num_episodes: int
) -> float:
    """About how many episodes of the initial policy it takes until it passes the fallback test.

    After k of them a state and action has k d visits, d its true expected visits per episode, so
    group i's return is shifted by c b sqrt(weight / k) sum sqrt(d); solved for the k at which no
    bounded gap exceeds the threshold. Infinite where the true gap does already.
    """
    mdp = problem.mdp
    radius, shift = learner.radius(problem, num_episodes), learner.reward_shift(problem)
    visits = occupancies(mdp.transition, mdp.initial, problem.initial_policy)
    spread = shift * np.sqrt(visits).sum((1, 2))
    J = problem.initial_returns[:, problem.chosen(learner.tasks)]
    room = problem.fallback_threshold - (J[:, None] - J)
    pair = (spread[:, None] + spread)[..., None]
    off_diagonal = ~np.eye(len(J), dtype=bool)[..., None] & np.isfinite(room)
    if (room[off_diagonal] <= 0).any():
        return np.inf
    needed = radius.scale**2 * radius.weight * (pair / np.where(off_diagonal, room, np.inf)) ** 2
    return float(needed.max(initial=0.0))


def _no_policy_at_all(record: GapRecord) -> str:
    problem = record.problem
    if problem.optimum.policy is not None:
        return ""
    return (
        f"No policy meets tolerance={problem.tolerance:g} on every task, the groups' dynamics are "
        f"too different: the smallest possible largest gap is {least_gap(problem.mdp):.4g}, so "
        "raise the tolerance above it; regret is undefined."
    )


def _initial_policy_outside(record: GapRecord) -> str:
    problem = record.problem
    gap = gaps(problem.initial_returns)
    worst = int(gap.argmax())
    if isinstance(record.learner, CertifiedStart) or gap[worst] <= problem.initial_gap + ROUNDING:
        return ""
    task = problem.mdp.signals[worst]
    if gap[worst] > problem.tolerance:
        follows = "it fails the fallback test however much is seen, and playing it is a violation"
    elif gap[worst] > problem.fallback_threshold:
        follows = "however much is seen it fails the fallback test"
    else:
        follows = "it passes the fallback test later than promised"
    return (
        f"The initial policy's gap on {task!r} is {gap[worst]:.4g} and not at most "
        f"initial_gap={problem.initial_gap:g}, so {follows}; give a policy with a smaller gap, "
        "raise initial_gap and tolerance, or let CertifiedStart look for one."
    )


def _only_fallback(record: GapRecord) -> str:
    learner, problem = _conservative(record), record.problem
    episodes = len(record.reason)
    if learner is None or not episodes or record.count(Reason.margin) < episodes:
        return ""
    needed = episodes_to_leave(learner, problem, record.num_episodes)
    every = visits_to_leave(learner, problem, record.num_episodes)
    if not np.isfinite(needed):
        return (
            f"All {episodes} episodes fell back on the initial policy, and more would as well: its "
            f"true gap exceeds (tolerance + initial_gap) / 2 = {problem.fallback_threshold:g}."
        )
    smaller = learner.scale * np.sqrt(0.1 * record.num_episodes / needed)
    return (
        f"All {episodes} episodes fell back on the initial policy: at scale={learner.scale:g} its "
        f"test passes after about {needed:.2g} episodes, and for any initial policy after "
        f"{every:.2g} visits of every state and action (least so far: {record.visits.min():g}); "
        "run longer, raise tolerance - initial_gap, or give up the guarantee with a scale of about "
        f"{smaller:.1g}, which falls back in a tenth of the episodes."
    )


def _infeasible_estimates(record: GapRecord) -> str:
    count = record.count(Reason.infeasible)
    if not count:
        return ""
    return (
        f"In {count} of {len(record.reason)} episodes no policy met tolerance="
        f"{record.problem.tolerance:g} on the estimated model and the initial policy was played; "
        "raise the tolerance, or see more data before planning without a margin."
    )


def _unsolved(record: GapRecord) -> str:
    count = record.count(Reason.numerical)
    if not count:
        return ""
    return (
        f"In {count} episodes the solver gave no solution that passed its checks and the initial "
        "policy was played; lower the coefficient or scale, whose bonus makes numbers so large."
    )


def _uncertified(record: GapRecord) -> str:
    episodes, problem = len(record.reason), record.problem
    if not episodes or record.count(Reason.uncertified) < episodes:
        return ""
    return (
        f"No policy was certified for initial_gap={problem.initial_gap:g} in {episodes} episodes, "
        "so nothing is known but the starting policy's own gap; run longer, raise initial_gap "
        "towards the tolerance, or give up the guarantee with a smaller scale."
    )


def _event_failed(record: GapRecord) -> str:
    learner, known = _conservative(record), record.event[record.event >= 0]
    if learner is None or not len(known) or (known == 1).all():
        return ""
    return (
        f"The confidence event held in {np.mean(known == 1):.0%} of the episodes at "
        f"scale={learner.scale:g}: in the others nothing is guaranteed, and that "
        f"{int(record.violated.any(1).sum())} of {len(record.J)} episodes exceeded the tolerance "
        "is an observation; scale=1 restores the guarantee."
    )


def _broken_promise(record: GapRecord) -> str:
    count = int(record.violated_under_event.sum())
    if not count:
        return ""
    return (
        f"{count} episodes exceeded the tolerance though the confidence event held, which happens "
        "only if the initial policy's gap is not what it is said to be or the coefficient is "
        "below S H; correct them."
    )


def _conservative(record: GapRecord) -> OptimisticPessimistic | None:
    learner = record.learner
    if isinstance(learner, CertifiedStart):
        return learner.learner
    return learner if isinstance(learner, OptimisticPessimistic) else None
