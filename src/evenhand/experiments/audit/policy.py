"""The policy an audit is about, as a table over group and level."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evenhand.algorithms.model_text import read_model_text
from evenhand.core.errors import InputError
from evenhand.data.population import LendingPopulation
from evenhand.experiments.policy_table import policy_table, table_notes
from evenhand.experiments.wording import method_meaning, method_title

_FITTED = ("max-util-fitted", "accuracy-classifier")
_MOVING = {
    "max-util": "the threshold that earns most from everybody's levels as they are",
    "equal-opportunity": "thresholds with equal recall among everybody's levels as they are",
}


@dataclass(frozen=True)
class AuditedPolicy:
    """A policy as written, in words, and as probabilities `(G, S, A)`."""

    text: str
    title: str
    meaning: str
    """One line about what it does, or ""."""
    table: np.ndarray
    notes: tuple[str, ...] = ()

    @property
    def approve(self) -> np.ndarray:
        """`(G, S)` approval probability at each level."""
        return self.table[..., 1]


def read_audited(text: str, population: LendingPopulation) -> AuditedPolicy:
    """The policy that `text` names; `InputError` for one that is no table over group and level."""
    text = text.strip()
    meaning = method_meaning(text, tuple(population.labels))
    if text in _MOVING:
        table = _max_util(population) if text == "max-util" else None
        if table is None:
            raise InputError(
                f"policy {text!r} chooses anew at every decision {_MOVING[text]}, so it is no "
                "table over group and level, which audit needs; audit takes rules such as "
                "threshold:3, score>=620 or constant:0.5, a .csv table (group,level,approve) and "
                f"model files; measure this one with: evenhand evaluate --policy {text}"
            )
        cut = population.num_levels - int(table[0, :, 1].sum())
        note = f"max-util never moves its threshold here: it is threshold:{cut}"
        return AuditedPolicy(text, method_title(text), meaning, table, (note,))
    notes = tuple(table_notes(text, population))
    if text in _FITTED:
        notes += (f"{text} was fitted on one simulated episode, seed 0; another seed may differ",)
    table = policy_table(text, population)
    return AuditedPolicy(text, _title(text), meaning, table, notes)


def _title(text: str) -> str:
    """A policy's name; a file is called by its own name, without the folders."""
    is_file = text.lower().endswith(".csv") or read_model_text(text) is not None
    return Path(text).name if is_file else method_title(text)


def _max_util(population: LendingPopulation) -> np.ndarray | None:
    """Max-util as a table where its threshold cannot move; None where it can.

    It maximises the sum over groups and levels from k up of mass times expected reward, so k is
    fixed, whatever the masses, exactly where rewards of all groups change sign at one same level.
    """
    pays = population.repay_prob * population.reward_repaid
    pays = pays + (1 - population.repay_prob) * population.reward_default
    levels = np.arange(population.num_levels)
    for cut in range(population.num_levels + 1):
        above = levels >= cut
        if (pays[:, above] > 0).all() and (pays[:, ~above] < 0).all():
            approve = np.broadcast_to(above.astype(float), pays.shape)
            return np.stack([1 - approve, approve], -1)
    return None
