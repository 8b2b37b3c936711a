"""Exact optimal transport for many pairs of laws at once, warm-started (host code).

A transportation simplex that pivots all problems of a batch together in numpy. Masses are
integers (units of 2^-b) and Orden's perturbation makes every basis nondegenerate, so the ratio
test has no ties, no pivot stalls and no basis can come back; rounding the perturbation away
afterwards leaves the exact flows of the same basis. Costs stay float64: a basis counts as optimal
when no reduced cost lies below -`tol`, and then the cost of its flow is within `tol` of the
optimum, since there is at most one unit of mass to move.
"""

from dataclasses import dataclass

import numpy as np

# No flow is above the total, whose perturbation needs less than the other half of int64's range.
_BITS = 62
# Problems that pivot together: enough to pay for numpy's calls, few enough to stay in the cache.
_CHUNK = 128


@dataclass
class TransportBatch:
    """Problems of one size `m x n` between laws on shared nodes, each with its current basis.

    - `rows (P, m)`, `columns (P, n)`: the nodes that give and take mass.
    - `cells (P, m + n - 1)`: basic cells, i * n + j; `flow` their perturbed mass in units.
    - `inverse (P, m + n - 1, m + n)`: the basis inverse, entries -1, 0, 1; its last column, of
      the redundant constraint, is zero.
    - `unit`: integer mass of a probability of 1; `scale`: flow per unit of mass.
    """

    rows: np.ndarray
    columns: np.ndarray
    cells: np.ndarray
    flow: np.ndarray
    inverse: np.ndarray
    unit: int
    scale: int

    @classmethod
    def monotone(
        cls,
        rows: np.ndarray,
        columns: np.ndarray,
        supply: np.ndarray,
        demand: np.ndarray,
        unit: int,
    ) -> "TransportBatch":
        """Problems started at the monotone coupling of their nodes in the order given.

        `supply (P, m)` and `demand (P, n)` are integer masses with equal sums of at most `unit`,
        which is at most `mass_unit(m, n)`. Masses of 0 are fine.
        """
        m, n = supply.shape[1], demand.shape[1]
        scale = _scale(m, n)
        # The only subset sums of these that agree are those of nothing and of everything.
        given = (supply * scale + n).cumsum(1)
        taken = demand * scale + 1
        taken[:, -1] += m * n - n
        ends = np.concatenate([given, taken.cumsum(1)[:, :-1]], axis=1)
        order = ends.argsort(1)
        ends = np.take_along_axis(ends, order, 1)
        is_row = order < m
        i = np.cumsum(is_row, 1) - is_row
        cells = i * n + np.arange(m + n - 1) - i
        # The mass moved before the k-th basic cell is done: all rows, or all columns, up to it.
        node = np.arange(m + n)
        upto = (node <= order[..., None]) & ((node < m) == is_row[..., None])
        inverse = np.diff(upto.astype(np.int8), axis=1, prepend=np.int8(0))
        flow = np.diff(ends, axis=1, prepend=0)
        return cls(rows, columns, cells, flow, inverse, unit, scale)

    def coupling(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """`(P, m + n - 1)` masses that the bases move, and the nodes they leave and reach."""
        mass = ((self.flow + self.scale // 2) // self.scale) / self.unit
        i, j = np.divmod(self.cells, self.columns.shape[1])
        return (
            mass,
            np.take_along_axis(self.rows, i, 1),
            np.take_along_axis(self.columns, j, 1),
        )

    def violation(self, metric: np.ndarray) -> float:
        """The most that a reduced cost lies below zero, prices computed afresh."""
        least = [self._reduced(part, metric).min(initial=0.0) for part in _chunks(len(self.rows))]
        return -float(min(least, default=0.0))

    def reoptimise(self, metric: np.ndarray, tol: float, max_pivots: int) -> int:
        """Pivots made, at most `max_pivots` a problem, until no reduced cost is below -`tol`."""
        return sum(
            self._reoptimise(part, metric, tol, max_pivots) for part in _chunks(len(self.rows))
        )

    def _reduced(self, part: np.ndarray, metric: np.ndarray) -> np.ndarray:
        """`(P, m * n)` cost of the cells minus the prices of their row and column."""
        m = self.rows.shape[1]
        cost = metric[self.rows[part][:, :, None], self.columns[part][:, None, :]]
        flat = cost.reshape(len(cost), -1)
        basic = np.take_along_axis(flat, self.cells[part], 1)
        price = (basic[:, None, :] @ self.inverse[part].astype(float))[:, 0]
        cost -= price[:, :m, None]
        cost -= price[:, None, m:]
        return flat

    def _reoptimise(self, part: np.ndarray, metric: np.ndarray, tol: float, max_pivots: int) -> int:
        m, n = self.rows.shape[1], self.columns.shape[1]
        reduced, pivots = self._reduced(part, metric), 0
        for _ in range(max_pivots):
            enter = reduced.argmin(1)
            worst = np.take_along_axis(reduced, enter[:, None], 1)
            going = worst[:, 0] < -tol
            if not going.all():
                part, reduced, enter, worst = (x[going] for x in (part, reduced, enter, worst))
            if not len(part):
                break
            change = worst * self._pivot(part, enter)
            table = reduced.reshape(-1, m, n)
            table -= change[:, :m, None]
            table -= change[:, None, m:]
            pivots += len(part)
        return pivots

    def _pivot(self, part: np.ndarray, enter: np.ndarray) -> np.ndarray:
        """`(P, m + n)` change of the prices per unit of reduced cost, after the pivot."""
        m, n = self.rows.shape[1], self.columns.shape[1]
        i, j = np.divmod(enter, n)
        turn = self.inverse[part, :, i] + self.inverse[part, :, m + j]
        flow = self.flow[part]
        leave = np.where(turn > 0, flow, np.iinfo(np.int64).max).argmin(1)
        each = np.arange(len(part))
        moved = flow[each, leave]
        flow -= turn * moved[:, None]
        flow[each, leave] = moved
        row = self.inverse[part, leave]
        turn[each, leave] = 0
        which, k = np.nonzero(turn)
        self.inverse[part[which], k] -= turn[which, k, None] * row[which]
        self.flow[part], self.cells[part, leave] = flow, enter
        return row


def mass_unit(m: int, n: int) -> int:
    """Integer mass that stands for a probability of 1 in problems of this size."""
    return 2**_BITS // _scale(m, n)


def _scale(m: int, n: int) -> int:
    """A power of two above twice the perturbation m n, so that rounding removes it."""
    return 2 ** (2 * m * n).bit_length()


def _chunks(count: int) -> list[np.ndarray]:
    return [np.arange(k, min(k + _CHUNK, count)) for k in range(0, count, _CHUNK)]
