"""A risk score in points from loan records, never used on the rows it was fitted on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import rankdata

from evenhand.core.errors import InputError
from evenhand.data.scorecard import ClassRule, design, learn_rules

EVEN_ODDS_POINTS = 500.0
POINTS_TO_DOUBLE_ODDS = 50.0
RIDGE = 1.0


@dataclass(frozen=True)
class RiskScore:
    """A cross-fitted logistic scorecard: row i is scored by the model that never saw client i."""

    rules: tuple[ClassRule, ...]
    unused: tuple[str, ...]
    weights: np.ndarray
    """`(F, 1 + classes)` intercept and class weights of each fold's model."""
    fold: np.ndarray
    """`(n,)` fold that holds row i out."""

    def log_odds(self, table: pl.DataFrame) -> np.ndarray:
        """`(n,)` log-odds of repayment of the same clients, from these values of their columns."""
        matrix = design(table, self.rules)
        every = self.weights[:, 0] + matrix @ self.weights[:, 1:].T
        return every[np.arange(len(self.fold)), self.fold]


def fit_risk_score(
    table: pl.DataFrame, defaulted: np.ndarray, num_folds: int = 5, seed: int = 0
) -> RiskScore:
    """A scorecard for P(repay | columns of `table`), fitted once per held-out fold."""
    if not 2 <= num_folds <= 20:
        raise InputError(f"--folds must be between 2 and 20, got {num_folds}")
    rules, unused = learn_rules(table)
    if not rules:
        raise InputError(
            "no column is left to fit a risk score on; give --score COLUMN, or more --features"
        )
    matrix, repaid = design(table, rules), ~defaulted
    # Every fold holds its share of defaults, so that no fold is left without any.
    order = np.lexsort([np.random.default_rng(seed).random(len(repaid)), repaid])
    fold = np.empty(len(repaid), int)
    fold[order] = np.arange(len(repaid)) % num_folds
    # The optimum is unique and reached to 1e-8, so a start from all rows tells the folds nothing.
    start = fit_logistic(matrix, repaid)
    weights = [
        fit_logistic(matrix[fold != f], repaid[fold != f], start=start) for f in range(num_folds)
    ]
    return RiskScore(rules, unused, np.stack(weights), fold)


def fit_logistic(
    matrix: sparse.csr_array,
    label: np.ndarray,
    ridge: float = RIDGE,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Intercept and weights that minimise sum log(1 + exp(-s_i z_i)) + ridge / 2 |w|^2.

    s_i is +1 where the label holds and -1 elsewhere; the intercept is not penalised.
    """
    columns: Any = sparse.hstack([np.ones((len(label), 1)), matrix], format="csr")
    penalty = np.full(np.shape(columns)[1], ridge)
    penalty[0] = 0.0
    sign, count = np.where(label, 1.0, -1.0), len(label)

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (columns @ theta)
        slope = columns.T @ (-sign * expit(-margin)) + penalty * theta
        value = np.logaddexp(0, -margin).sum() + penalty @ theta**2 / 2
        return value / count, slope / count

    def curvature(theta: np.ndarray) -> np.ndarray:
        repaid = expit(columns @ theta)
        weighted = columns.multiply((repaid * (1 - repaid))[:, None]).tocsr()
        return ((columns.T @ weighted).toarray() + np.diag(penalty)) / count

    start = np.zeros(len(penalty)) if start is None else start
    # Newton steps: with this many dummy columns first-order methods need hundreds of rounds.
    options = {"gtol": 1e-8, "maxiter": 100}
    return minimize(loss, start, jac=True, hess=curvature, method="trust-exact", options=options).x


def points(log_odds: np.ndarray) -> np.ndarray:
    """Score in points: 500 are even odds of repayment and 50 more double them (600: 4 to 1)."""
    return EVEN_ODDS_POINTS + POINTS_TO_DOUBLE_ODDS * log_odds / np.log(2)


def auc(score: np.ndarray, repaid: np.ndarray) -> float:
    """P(a repayer scores above a defaulter), ties half; NaN where one outcome is missing."""
    num_repaid = int(repaid.sum())
    num_defaulted = len(repaid) - num_repaid
    if num_repaid == 0 or num_defaulted == 0:
        return float("nan")
    above = rankdata(score)[repaid].sum() - num_repaid * (num_repaid + 1) / 2
    return float(above / (num_repaid * num_defaulted))


def auc_std_error(value: float, repaid: np.ndarray) -> float:
    """Standard error of an AUC (Hanley & McNeil 1982)."""
    m, n = repaid.sum(), (~repaid).sum()
    q1, q2 = value / (2 - value), 2 * value**2 / (1 + value)
    spread = value * (1 - value) + (m - 1) * (q1 - value**2) + (n - 1) * (q2 - value**2)
    return float(np.sqrt(spread / (m * n)))


def oriented(score: np.ndarray, repaid: np.ndarray, direction: str) -> tuple[np.ndarray, bool]:
    """The score with higher meaning better, and whether its sign was changed for that."""
    if direction not in ("auto", "higher", "lower"):
        raise InputError(
            f'--direction must be "auto", "higher" (is better) or "lower", got {direction!r}'
        )
    if direction == "auto":
        value = auc(score, repaid)
        if abs(value - 0.5) < 3 * auc_std_error(value, repaid):
            raise InputError(
                f"the score hardly separates repaid from defaulted loans (AUC {value:.3f}), so "
                "its direction cannot be seen; declare it with --direction higher or lower"
            )
        direction = "higher" if value > 0.5 else "lower"
    return (score, False) if direction == "higher" else (-score, True)
