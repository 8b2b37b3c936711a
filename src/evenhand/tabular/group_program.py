"""A linear program over the occupancies of several groups whose sparsity pattern never changes.

Columns are ordered (group, stage, state, action), then the one extra column where there is one.
Rows are the flow rows (group, stage, state), then the coupling rows. Every state counts as a
possible successor, so a learned model is written into the same places as the true one.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from scipy import sparse

from evenhand.tabular.evaluation import stage_factor
from evenhand.tabular.linear_program import LinearProgram
from evenhand.tabular.mdp import TabularMDP


@dataclass(frozen=True)
class Coupling:
    """One row: upper return of `plus` - lower return of `minus` on a task + extra <= bound.

    A group of None has no part in the row.
    """

    task: int
    plus: int | None
    minus: int | None
    bound: float
    extra: float = 0.0


@dataclass(frozen=True)
class _Share:
    """Which coupling rows a group takes part in, and where its coefficients are written."""

    rows: np.ndarray
    tasks: np.ndarray
    is_plus: np.ndarray
    early: np.ndarray = field(repr=False)
    last: np.ndarray = field(repr=False)


class GroupProgram:
    """The program `lp`, rewritten in place by `write` and `aim`."""

    def __init__(self, mdp: TabularMDP, couplings: list[Coupling], extra: bool = False) -> None:
        self.mdp = mdp
        self.factor = stage_factor(mdp)
        self.shape = (mdp.num_groups, len(self.factor), mdp.num_states, mdp.num_actions)
        self.num_visits, self.num_flow = int(np.prod(self.shape)), int(np.prod(self.shape[:-1]))
        self.couplings = couplings
        rows, starts = self._pattern(extra)
        values = np.ones(len(rows))
        self._shares = self._views(values)
        if extra:
            values[len(rows) - len(couplings) :] = [row.extra for row in couplings]
        num_columns, num_rows = len(starts) - 1, self.num_flow + len(couplings)
        # Assembled without a copy, so that what is written into `values` is in the matrix.
        matrix = sparse.csc_matrix((values, rows, starts), (num_rows, num_columns), copy=False)
        inflow = np.zeros(self.shape[:-1])
        inflow[:, 0] = mdp.initial
        bounds = np.array([row.bound for row in couplings])
        self.lp = LinearProgram(
            cost=np.zeros(num_columns),
            matrix=matrix,
            row_lower=np.concatenate([inflow.ravel(), np.full(len(couplings), -np.inf)]),
            row_upper=np.concatenate([inflow.ravel(), bounds]),
            lower=np.where(np.arange(num_columns) < self.num_visits, 0.0, -np.inf),
            upper=np.full(num_columns, np.inf),
        )

    def write(
        self,
        transition: Float[np.ndarray, "G S A S"],
        upper: Float[np.ndarray, "G S A M"],
        lower: Float[np.ndarray, "G S A M"],
    ) -> None:
        """Put a model and the rewards of the coupling rows into the matrix."""
        states, weight = self.shape[2], self.factor[:, None, None, None]
        for g, share in enumerate(self._shares):
            signed = np.where(
                share.is_plus, upper[g][..., share.tasks], -lower[g][..., share.tasks]
            )
            share.early[..., 1 : 1 + states] = -transition[g]
            share.early[..., 1 + states :] = signed * weight[:-1]
            share.last[..., 1:] = signed * weight[-1]

    def aim(self, reward: Float[np.ndarray, "G S A"], extra: float = 0.0) -> None:
        """Maximise the return of `reward` summed over groups, plus `extra` times that column."""
        visits = self.lp.cost[: self.num_visits].reshape(self.shape)
        np.multiply(reward[:, None], self.factor[:, None, None], out=visits)
        self.lp.cost[self.num_visits :] = extra

    def _pattern(self, extra: bool) -> tuple[np.ndarray, np.ndarray]:
        """Row of every entry, and where each column starts."""
        groups, horizon, states, actions = self.shape
        flow = np.arange(self.num_flow).reshape(groups, horizon, states)
        rows, lengths = [], []
        for g in range(groups):
            own = self.num_flow + self._rows_of(g)
            for k in range(horizon):
                arrive = flow[g, k + 1] if k + 1 < horizon else flow[g, :0].ravel()
                for s in np.repeat(np.arange(states), actions):
                    rows += [flow[g, k, s : s + 1], arrive, own]
                    lengths.append(1 + len(arrive) + len(own))
        if extra:
            rows.append(self.num_flow + np.arange(len(self.couplings)))
            lengths.append(len(self.couplings))
        starts = np.concatenate([[0], np.cumsum(lengths)])
        return np.concatenate(rows).astype(np.int32), starts.astype(np.int32)

    def _views(self, values: np.ndarray) -> list[_Share]:
        """Views of the values by group: all stages but the last, and the last, which leads on."""
        _, horizon, states, actions = self.shape
        shares, at = [], 0
        for g in range(self.shape[0]):
            rows = self._rows_of(g)
            early = (horizon - 1, states, actions, 1 + states + len(rows))
            last = (states, actions, 1 + len(rows))
            middle = at + int(np.prod(early))
            end = middle + int(np.prod(last))
            mine = [self.couplings[row] for row in rows]
            shares.append(
                _Share(
                    rows=rows,
                    tasks=np.array([row.task for row in mine], int),
                    is_plus=np.array([row.plus == g for row in mine], bool),
                    early=values[at:middle].reshape(early),
                    last=values[middle:end].reshape(last),
                )
            )
            at = end
        return shares

    def _rows_of(self, group: int) -> np.ndarray:
        """Coupling rows that a group takes part in."""
        taken = [group in (row.plus, row.minus) for row in self.couplings]
        return np.flatnonzero(taken)
