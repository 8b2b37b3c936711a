"""Optimal couplings of the rows of a stochastic matrix, for every pair of rows (host code)."""

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import gmres, spsolve

from evenhand.tabular.transport import TransportBatch, mass_unit

# Problems are padded to these many states and gathered by size: each size pivots on its own, and
# few sizes with more padding cost less than many short calls.
_SIZES = np.array([4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256])

# Each solves for what the one before left over, so that a long chain ends at rounding's level too.
_REFINEMENTS = 6
# What is left, relative to the distances, where the iterations failed and only a direct solve
# helps. It is much slower: chains that hardly move, at a discount near 1.
_STALLED = 1e-9
# A problem left unfinished shows in `uncertainty`, and is continued in the next sweep.
_MAX_PIVOTS = 10_000


class Couplings:
    """A coupling for each unordered pair of rows of `law (n, n)`; `first` and `second` list them.

    Mass that two rows share stays where it is, at no cost. For distances with the triangle
    inequality that is optimal: moving u to v while w takes u's place costs at least w to v. The
    fixed point has it, and sweeps restricted to such couplings contract as the others do, so they
    have the same fixed point and the same bound on the distance to it.
    """

    def __init__(self, law: np.ndarray) -> None:
        size, widest = len(law), int((law > 0).sum(1).max())
        self.first, self.second = np.triu_indices(size, 1)
        self._pair = np.full((size, size), -1)
        self._pair[self.first, self.second] = np.arange(len(self.first))
        self._pair = np.maximum(self._pair, self._pair.T)
        unit = mass_unit(widest, widest)
        mass = whole_masses(law, unit)
        # Relative to the largest distance: masses that rounding moved, and sums along a basis.
        self._blur = np.abs(mass / unit - law).sum(1).max() + 4 * widest * np.finfo(float).eps
        shared = np.minimum(mass[self.first], mass[self.second])
        supply, demand = mass[self.first] - shared, mass[self.second] - shared
        sizes = np.append(_SIZES[: np.searchsorted(_SIZES, widest)], widest)
        width = np.searchsorted(sizes, [(side > 0).sum(1) for side in (supply, demand)])
        self._parts, self._batches = [], []
        for m, n in np.unique(width, axis=1).T:
            part = np.flatnonzero((width[0] == m) & (width[1] == n))
            rows, given = _squeeze(supply[part], int(sizes[m]))
            columns, taken = _squeeze(demand[part], int(sizes[n]))
            self._parts.append(part)
            self._batches.append(TransportBatch.monotone(rows, columns, given, taken, unit))
        self._moved = self._matrix()

    def square(self, distance: np.ndarray) -> np.ndarray:
        """`(n, n)` matrix of the distances of pairs, zero on the diagonal."""
        return np.append(distance, 0.0)[self._pair]

    def cost(self, distance: np.ndarray) -> np.ndarray:
        """`(P,)` expected distance of the two ends under each pair's coupling."""
        return np.asarray(self._moved @ distance)

    def settle(self, gap: np.ndarray, discount: float, start: np.ndarray, tol: float) -> np.ndarray:
        """`(P,)` distances if these couplings are kept: d = gap + discount * cost(d).

        Both sides agree within `tol`, or as nearly as rounding lets them.
        """
        system = sparse.identity(len(gap), format="csr") - discount * self._moved
        found, off = start, gap - system @ start
        for _ in range(_REFINEMENTS):
            error = np.abs(off).max(initial=0.0)
            if error <= tol:
                break
            better = found + gmres(system, off, rtol=1e-12, atol=0.0, restart=60, maxiter=20)[0]
            left = gap - system @ better
            if not np.abs(left).max() < error:
                break
            found, off = better, left
        if not np.abs(off).max(initial=0.0) <= max(tol, _STALLED * found.max(initial=0.0)):
            found = spsolve(system.tocsc(), gap)
        return np.asarray(found)

    def reoptimise(self, distance: np.ndarray, tol: float) -> int:
        """Pivots made until each coupling's cost is within `tol` of the least."""
        metric = self.square(distance)
        # Pivots on rounding alone could go on for ever.
        tol = max(tol, self._blur * np.abs(distance).max(initial=0.0))
        pivots = sum(batch.reoptimise(metric, tol, _MAX_PIVOTS) for batch in self._batches)
        self._moved = self._matrix()
        return pivots

    def uncertainty(self, distance: np.ndarray) -> float:
        """The most by which `cost` may miss the least cost under `distance`, for any pair."""
        metric = self.square(distance)
        shortfall = max((batch.violation(metric) for batch in self._batches), default=0.0)
        return shortfall + self._blur * np.abs(distance).max(initial=0.0)

    def _matrix(self) -> sparse.csr_matrix:
        """`(P, P)` mass that each pair's coupling puts on each other pair; none where both meet."""
        entries = [(np.empty(0), np.empty(0, int), np.empty(0, int))]
        for part, batch in zip(self._parts, self._batches, strict=True):
            mass, source, target = batch.coupling()
            pair = self._pair[source, target]
            moved = (mass > 0) & (pair >= 0)
            here = np.broadcast_to(part[:, None], mass.shape)
            entries.append((mass[moved], here[moved], pair[moved]))
        mass, row, column = map(np.concatenate, zip(*entries, strict=True))
        size = len(self.first)
        return sparse.csr_matrix((mass, (row, column)), shape=(size, size))


def whole_masses(law: np.ndarray, unit: int) -> np.ndarray:
    """Integer masses `(n, n)` that add up to `unit` in each row, in the same proportions."""
    mass = np.rint(law / law.sum(1, keepdims=True) * unit).astype(np.int64)
    mass[np.arange(len(law)), law.argmax(1)] += unit - mass.sum(1)
    return mass


def _squeeze(mass: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes with mass, in order, padded to `size` with nodes without any, and their masses."""
    nodes = np.argsort(mass == 0, axis=1, kind="stable")[:, :size]
    nodes.sort(1)
    return nodes, np.take_along_axis(mass, nodes, 1)
