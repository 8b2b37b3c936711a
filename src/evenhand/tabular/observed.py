"""A lending population whose observed scores move by other numbers than the true ones.

What a person repays depends on the true level, what a policy sees is the observed score, so the
state is the pair of both. Observed scores live on a grid of `resolution` points a level; a move
that ends between two points is split between them so that its mean is kept. With moves that are
multiples of 1 / resolution nothing is split and the model is exact.
"""

from dataclasses import dataclass, replace

import numpy as np

from evenhand.core.errors import InputError
from evenhand.data.population import DEFAULTED, DENIED, REPAID, LendingPopulation
from evenhand.tabular.evaluation import occupancy
from evenhand.tabular.mdp import TabularMDP


@dataclass(frozen=True)
class ObservedModel:
    """The problem of one person per group over pairs (true level, observed score).

    State s stands for true level `true_level[s]` and observed score `observed[s]`, in levels.
    """

    mdp: TabularMDP
    true_level: np.ndarray
    observed: np.ndarray

    def seen_by(self, approve: np.ndarray) -> np.ndarray:
        """`(G, S, 2)` policy of a table `(G, K)` of approval by observed level, rounded."""
        level = np.rint(self.observed).astype(int)
        share = np.asarray(approve, float)[:, level]
        return np.stack([1 - share, share], -1)

    def visited(self, policy: np.ndarray) -> np.ndarray:
        """`(G, S)` law of the state at a decision drawn from all decisions of an episode."""
        visits = occupancy(self.mdp, policy).sum((1, 3))
        return visits / visits.sum(1, keepdims=True)

    def as_seen(self, laws: np.ndarray) -> tuple[TabularMDP, np.ndarray]:
        """The problem over observed scores alone, and their laws `(G, O)`.

        The true level is drawn from `laws` `(G, S)` given what is observed: what a model learns
        that sees only observed scores. A score nobody shows keeps the mean over true levels.
        """
        num_levels = int(self.true_level.max()) + 1
        joint = laws.reshape(len(laws), num_levels, -1)
        seen = joint.sum(1)
        some = seen[:, None] > 0
        given = np.where(some, joint / np.where(some, seen[:, None], 1.0), 1 / num_levels)
        groups, _, size = given.shape
        split = self.mdp.transition.reshape(groups, num_levels, size, -1, num_levels, size)
        mdp = replace(
            self.mdp,
            transition=np.einsum("gxo,gxoayp->goap", given, split),
            rewards=np.einsum(
                "gxo,gxoam->goam", given, self.mdp.rewards.reshape(groups, num_levels, size, -1, 1)
            ),
            initial=self.mdp.initial.reshape(groups, num_levels, size).sum(1),
        )
        return mdp, seen


def observed_model(
    population: LendingPopulation,
    observed_up: np.ndarray,
    observed_down: np.ndarray,
    steps: int | None = None,
    resolution: int = 4,
) -> ObservedModel:
    """The exact model in which a repayment or default moves the score seen by these amounts.

    `observed_up` and `observed_down` are (G,), in levels, at least 0. Rewards: profit.
    """
    up, down = (np.asarray(x, float) for x in (observed_up, observed_down))
    if up.shape != (population.num_groups,) or down.shape != up.shape or min(*up, *down) < 0:
        raise InputError(
            f"observed_up and observed_down need one number of at least 0 per group "
            f"{population.groups}, got {up.tolist()} and {down.tolist()}"
        )
    person, levels = population.person(steps), population.num_levels
    grid = np.arange((levels - 1) * resolution + 1) / resolution
    true_level = np.repeat(np.arange(levels), len(grid))
    transition = np.stack(
        [_moves(population, g, up[g], down[g], grid) for g in range(population.num_groups)]
    )
    initial = np.zeros((population.num_groups, levels, len(grid)))
    initial[:, np.arange(levels), np.arange(levels) * resolution] = person.initial
    mdp = TabularMDP(
        transition=transition,
        rewards=person.rewards[:, true_level, :, :1],
        initial=initial.reshape(population.num_groups, -1),
        group_size=person.group_size,
        horizon=person.horizon,
        stage_weight=person.stage_weight,
        signals=("profit",),
    )
    return ObservedModel(mdp, true_level, np.tile(grid, levels))


def _moves(
    population: LendingPopulation, group: int, up: float, down: float, grid: np.ndarray
) -> np.ndarray:
    """`(S, 2, S)` transitions of one group's members when denied (0) and approved (1)."""
    levels, reach = population.num_levels, population.drift_law.shape[2] // 2
    true = np.arange(levels)
    moves = {
        DENIED: (0, 0.0),
        DEFAULTED: (-population.down[group], -down),
        REPAID: (population.up[group], up),
    }
    after = np.zeros((3, levels, len(grid), levels, len(grid)))
    for what, (move, seen) in moves.items():
        for c, prob in enumerate(population.drift_law[what, group], -reach):
            target = np.clip(true + move + c, 0, levels - 1)
            spread = _spread(np.clip(grid + seen + c, 0, levels - 1), grid)
            after[what, true, :, target] += prob * spread
    repay = population.repay_prob[group][:, None, None, None]
    approved = repay * after[REPAID] + (1 - repay) * after[DEFAULTED]
    size = levels * len(grid)
    return np.stack([after[DENIED].reshape(size, size), approved.reshape(size, size)], 1)


def _spread(place: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """`(O, O)` weights of grid points whose mean is each place."""
    width = grid[1] - grid[0]
    return np.maximum(0.0, 1.0 - np.abs(place[:, None] - grid[None, :]) / width)
