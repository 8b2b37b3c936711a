"""The policies whose largest gap over tasks and groups is as small as it can be.

    minimise    t
    subject to  d_z flows through the model of group z, from its initial distribution,
                d_i . upper_i^m - d_j . lower_j^m <= t          for every task m, i != j.

With `upper` = `lower` = r on the true model, t is the smallest tolerance that any policy meets.
With optimistic and pessimistic rewards on an estimated model, a policy's true gap is at most t
whenever the confidence event holds, so a small t certifies a policy to start from.
"""

import numpy as np
from jaxtyping import Bool, Float

from evenhand.core.solution import Solution
from evenhand.tabular.evaluation import normalised
from evenhand.tabular.group_program import Coupling, GroupProgram
from evenhand.tabular.linear_program import HighsSolver
from evenhand.tabular.mdp import TabularMDP


class LeastGapLP:
    """The program for one world; `tasks` says which gaps count, all by default.

    Every solve is cold: it depends on what it is given and on nothing before it.
    """

    def __init__(self, mdp: TabularMDP, tasks: Bool[np.ndarray, " M"] | None = None) -> None:
        self.mdp = mdp
        counted = range(len(mdp.signals)) if tasks is None else np.flatnonzero(tasks)
        groups = range(mdp.num_groups)
        pairs = [(i, j) for i in groups for j in groups if i != j]
        rows = [Coupling(int(m), i, j, 0.0, extra=-1.0) for m in counted for i, j in pairs]
        self._program = GroupProgram(mdp, rows, extra=True)
        # A gap is at least 0; the bound also keeps a single group's program finite.
        self._program.lp.lower[-1] = 0.0

    def solve(
        self,
        transition: Float[np.ndarray, "G S A S"] | None = None,
        upper_rewards: Float[np.ndarray, "G S A M"] | None = None,
        lower_rewards: Float[np.ndarray, "G S A M"] | None = None,
    ) -> Solution:
        """A policy `(G, H, S, A)` with the least largest gap, which is `stats["gap"]`.

        `J` holds its returns of the world's own rewards in the model that was passed.
        """
        program, mdp = self._program, self.mdp
        transition = mdp.transition if transition is None else transition
        upper = mdp.rewards if upper_rewards is None else upper_rewards
        lower = mdp.rewards if lower_rewards is None else lower_rewards
        program.write(transition, upper, lower)
        program.aim(np.zeros(mdp.rewards.shape[:-1]), extra=-1.0)
        found = HighsSolver().solve(program.lp, warm=False)
        if found.x is None:
            return Solution(None, None, None, result=found.result)
        visits = found.x[: program.num_visits].reshape(program.shape).clip(0)
        uniform = np.full(mdp.rewards.shape[:-1], 1 / mdp.num_actions)
        J = np.einsum("ghsa,gsam->gm", visits, mdp.rewards)
        stats = {"gap": float(found.x[-1])}
        return Solution(normalised(visits, uniform), None, J, visits, stats=stats)


def least_gap(mdp: TabularMDP) -> float:
    """The smallest tolerance for all tasks that any policy meets when the dynamics are known."""
    return LeastGapLP(mdp).solve().stats.get("gap", np.nan)
