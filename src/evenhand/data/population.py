"""The numbers of a lending world, as plain float64: where presets, files and solvers meet."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from evenhand.core.errors import InputError, unknown_name
from evenhand.data.apportion import largest_remainders
from evenhand.data.population_checks import check_numbers
from evenhand.tabular.mdp import TabularMDP

# What happened to an applicant, the leading axis of `drift`.
DENIED, DEFAULTED, REPAID = 0, 1, 2

PERSON_SIGNALS = ("profit", "qualification_gain", "approved", "qualified", "approved_qualified")


def cubic_gain(num_levels: int) -> np.ndarray:
    """`(K,)` potential phi(x) = x^3 / (largest one-level change); Lear & Zhang 2025, app. C."""
    top = num_levels - 1
    return np.arange(num_levels) ** 3 / (top**3 - (top - 1) ** 3)


@dataclass(frozen=True)
class LendingPopulation:
    """A population of borrowers: who they are, how they repay, and what a decision does to them.

    At every step one person, drawn uniformly from everybody, applies. A person at level x who is
    denied, defaults or repays moves to clip(x + move + c, 0, K - 1) with move 0, -`down[g]` or
    +`up[g]` and c drawn from `drift[what happened, g]` over (-W..W).
    """

    name: str
    groups: tuple[str, ...]
    initial: np.ndarray
    """`(G, K)` law of the initial levels."""
    repay_prob: np.ndarray
    """`(G, K)` probability of repayment at each true level."""
    population_per_group: tuple[int, ...]
    reward_repaid: float = 1.0
    reward_default: float = -1.0
    up: tuple[int, ...] = (1, 1)
    down: tuple[int, ...] = (1, 1)
    drift: np.ndarray | None = None
    """`(3, G, 2W + 1)` law of the extra move after denial, default, repayment; None: no drift."""
    conscientiousness_std: float = 0.0
    """Spread of a person's own, unseen shift of the repayment probability; 0: score decides all."""
    initial_levels: str = "exact"
    """"exact": rounded proportions of `initial`; "independent": every person drawn from it."""
    cash: float = 10_000.0
    episode_steps: int = 10_000
    level_labels: tuple[str, ...] = ()
    bin_edges: tuple[float, ...] | None = None
    gain: np.ndarray | None = None
    """`(K,)` qualification potential phi; None: the cubic one."""
    assumed: dict[str, str] = field(default_factory=dict)
    """Field name -> why this number is an assumption and not an estimate."""
    source: str = ""

    def __post_init__(self) -> None:
        for name in ("initial", "repay_prob"):
            if getattr(self, name).ndim != 2:
                raise InputError(
                    f"{name} must have one row per group, got shape {getattr(self, name).shape}"
                )
        if self.num_levels < 2:
            raise InputError(f"a population needs at least 2 levels, got {self.num_levels}")
        shape = (len(self.groups), self.num_levels)
        per_group = {
            "up": self.up,
            "down": self.down,
            "population_per_group": self.population_per_group,
        }
        for name, value in per_group.items():
            if len(value) != len(self.groups):
                raise InputError(
                    f"{name} needs one entry per group {self.groups}, got {tuple(value)}"
                )
        if self.repay_prob.shape != shape or self.initial.shape != shape:
            raise InputError(
                f"initial and repay_prob must be {shape} (groups, levels), "
                f"got {self.initial.shape} and {self.repay_prob.shape}"
            )
        if not np.allclose(self.initial.sum(1), 1, atol=1e-6) or (self.initial < 0).any():
            raise InputError("every row of initial must be a distribution; divide it by its sum")
        if ((self.repay_prob < 0) | (self.repay_prob > 1)).any():
            raise InputError("repay_prob must lie in [0, 1]")
        check_numbers(vars(self))
        if min(self.population_per_group) < 1:
            raise InputError(
                f"population_per_group must be at least 1, got {self.population_per_group}"
            )
        if self.episode_steps < 1:
            raise InputError(f"episode_steps must be at least 1, got {self.episode_steps}")
        if self.initial_levels not in ("exact", "independent"):
            raise InputError(
                f'initial_levels must be "exact" or "independent", got {self.initial_levels!r}'
            )
        if self.gain is not None and np.shape(self.gain) != (self.num_levels,):
            raise InputError(f"gain must be ({self.num_levels},), got shape {np.shape(self.gain)}")
        if self.drift is not None and (
            self.drift.ndim != 3
            or self.drift.shape[:2] != (3, len(self.groups))
            or self.drift.shape[2] % 2 == 0
            or not np.allclose(self.drift.sum(-1), 1, atol=1e-6)
            or (self.drift < 0).any()
        ):
            raise InputError(
                "drift must be (3, G, 2W + 1): distributions of the extra move after denial, "
                f"default and repayment; got shape {self.drift.shape}"
            )

    @property
    def num_groups(self) -> int:
        return len(self.groups)

    @property
    def num_levels(self) -> int:
        return self.initial.shape[1]

    @property
    def num_people(self) -> int:
        return sum(self.population_per_group)

    @property
    def labels(self) -> tuple[str, ...]:
        return self.level_labels or tuple(str(level) for level in range(self.num_levels))

    @property
    def potential(self) -> np.ndarray:
        """`(K,)` qualification potential; a person's gain is its change."""
        return cubic_gain(self.num_levels) if self.gain is None else np.asarray(self.gain, float)

    @property
    def break_even(self) -> float:
        """Repayment probability at which an approval earns nothing."""
        return self.reward_default / (self.reward_default - self.reward_repaid)

    @property
    def drift_law(self) -> np.ndarray:
        """`(3, G, 2W + 1)` law of the extra move; a single certain 0 where there is none."""
        return np.ones((3, self.num_groups, 1)) if self.drift is None else self.drift

    def with_groups(self, groups: tuple[str, ...]) -> "LendingPopulation":
        """The same world with only these of its groups, in this order."""
        for name in groups:
            if name not in self.groups:
                raise unknown_name("group", name, self.groups)
        if len(set(groups)) < len(groups):
            raise InputError(f"groups {groups} names a group twice; name each once")
        keep = [self.groups.index(name) for name in groups]
        return replace(
            self,
            groups=groups,
            initial=self.initial[keep],
            repay_prob=self.repay_prob[keep],
            population_per_group=tuple(self.population_per_group[g] for g in keep),
            up=tuple(self.up[g] for g in keep),
            down=tuple(self.down[g] for g in keep),
            drift=None if self.drift is None else self.drift[:, keep],
        )

    def describe(self) -> dict[str, Any]:
        """JSON-able numbers and assumptions, for pages and records."""
        plain = ("reward_repaid", "reward_default", "cash", "episode_steps", "source", "assumed")
        found = {name: getattr(self, name) for name in ("name", *plain)}
        found |= {
            name: list(getattr(self, name))
            for name in ("groups", "population_per_group", "up", "down")
        }
        return found | {
            "level_labels": list(self.labels),
            "bin_edges": None if self.bin_edges is None else list(self.bin_edges),
            "initial": self.initial.tolist(),
            "repay_prob": self.repay_prob.tolist(),
            "drift": None if self.drift is None else self.drift.tolist(),
            "break_even": self.break_even,
            "conscientiousness_std": self.conscientiousness_std,
        }

    def initial_counts(self) -> np.ndarray:
        """`(G, K)` people at each level: `initial` times group size, largest remainders first."""
        sizes = zip(self.initial, self.population_per_group, strict=True)
        return np.array([largest_remainders(law, size) for law, size in sizes])

    def move_law(self) -> np.ndarray:
        """`(3, G, K, K)` P(next level | what happened, group, level)."""
        law = self.drift_law
        reach = law.shape[2] // 2
        level = np.arange(self.num_levels)
        moves = np.zeros((3, self.num_groups, self.num_levels, self.num_levels))
        for g in range(self.num_groups):
            for what, move in ((DENIED, 0), (DEFAULTED, -self.down[g]), (REPAID, self.up[g])):
                for c, prob in zip(range(-reach, reach + 1), law[what, g], strict=True):
                    target = np.clip(level + move + c, 0, self.num_levels - 1)
                    moves[what, g, level, target] += prob
        return moves

    def expected_gain(self) -> np.ndarray:
        """`(3, G, K)` expected change of the potential after denial, default and repayment."""
        return self.move_law() @ self.potential - self.potential

    def person(self, steps: int | None = None) -> TabularMDP:
        """The exact model of one person of each group over an episode of `steps` decisions.

        In the stream a person's k-th decision happens with probability P(Bin(steps, 1/people) > k)
        whatever is decided, so persons are independent finite-horizon problems. The bank cannot
        go bankrupt (start cash is 10,000). Signals: `PERSON_SIGNALS`.
        """
        if self.conscientiousness_std > 0:
            raise InputError(
                "a person's conscientiousness is a continuous hidden state, so there is no finite "
                "model; set conscientiousness_std=0 for the exact solvers"
            )
        steps = self.episode_steps if steps is None else steps
        weight = _chances(steps, self.num_people)
        move, repay = self.move_law(), self.repay_prob[..., None]
        approve = repay * move[REPAID] + (1 - repay) * move[DEFAULTED]
        transition = np.stack([move[DENIED], approve], axis=2)
        gain = transition @ self.potential - self.potential[None, :, None]
        repay = self.repay_prob
        profit = repay * self.reward_repaid + (1 - repay) * self.reward_default
        zero, one = np.zeros_like(repay), np.ones_like(repay)
        per_action = [
            np.stack([zero, profit], -1),
            gain,
            np.stack([zero, one], -1),
            np.stack([repay, repay], -1),
            np.stack([zero, repay], -1),
        ]
        return TabularMDP(
            transition=transition / transition.sum(-1, keepdims=True),
            rewards=np.stack(per_action, -1),
            initial=self._initial_law(),
            group_size=np.array(self.population_per_group, float),
            horizon=len(weight),
            stage_weight=weight,
            signals=PERSON_SIGNALS,
        )

    def _initial_law(self) -> np.ndarray:
        if self.initial_levels == "independent":
            return self.initial / self.initial.sum(1, keepdims=True)
        counts = self.initial_counts()
        return counts / counts.sum(1, keepdims=True)


def _chances(steps: int, people: int) -> np.ndarray:
    """P(Bin(steps, 1/people) > k) for k = 0, 1, ..., cut where it no longer matters."""
    from scipy.special import bdtrc  # scipy.stats would do the same after a second of importing

    weight = bdtrc(np.arange(steps), steps, 1 / people)
    return weight[: max(1, int((weight > 1e-13).sum()))]
