"""A finite decision problem for each group, in float64 numpy."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TabularMDP:
    """One finite Markov decision process per group, with named reward signals.

    - `transition (G, S, A, S)`: P(next state | state, action) in each group.
    - `rewards (G, S, A, M)`: expected reward of each signal; `signals` names them.
    - `initial (G, S)`: distribution of a member's first state.
    - `group_size (G,)`: members per group; returns are per group, so they scale with it.
    - `discount`: 1.0 for finite horizons without discounting.
    - `horizon`: number of stages H, or None for an infinite horizon.
    - `stage_weight (H,)`: probability that a member's k-th decision happens at all (ones by
      default). In a stream of randomly drawn applicants it is P(Binomial(steps, 1/people) > k),
      whatever is decided, so a person is a finite-horizon problem of their own.
    """

    transition: np.ndarray
    rewards: np.ndarray
    initial: np.ndarray
    group_size: np.ndarray
    discount: float = 1.0
    horizon: int | None = None
    stage_weight: np.ndarray | None = None
    signals: tuple[str, ...] = ("reward",)

    def __post_init__(self) -> None:
        groups, states, actions, successors = self.transition.shape
        if successors != states:
            raise ValueError(
                f"transition must be (G, S, A, S), got {self.transition.shape}: "
                "its second and last axes must agree"
            )
        if self.rewards.shape != (groups, states, actions, len(self.signals)):
            raise ValueError(
                f"rewards must be {(groups, states, actions, len(self.signals))} "
                f"(G, S, A, one per signal {self.signals}), got {self.rewards.shape}"
            )
        if self.initial.shape != (groups, states) or self.group_size.shape != (groups,):
            raise ValueError(
                f"initial must be {(groups, states)} and group_size {(groups,)}, "
                f"got {self.initial.shape} and {self.group_size.shape}"
            )
        off = np.abs(self.transition.sum(-1) - 1).max()
        if not off < 1e-9 or (self.transition < -1e-12).any():
            raise ValueError(
                f"rows of transition must be distributions; the worst sum is off by {off:.3g}. "
                "Build them in float64 and divide by their sum"
            )
        if self.stage_weight is not None and self.stage_weight.shape != (self.horizon,):
            raise ValueError(
                f"stage_weight must have one entry per stage, ({self.horizon},), "
                f"got {self.stage_weight.shape}"
            )

    @property
    def num_groups(self) -> int:
        return self.transition.shape[0]

    @property
    def num_states(self) -> int:
        return self.transition.shape[1]

    @property
    def num_actions(self) -> int:
        return self.transition.shape[2]

    @property
    def weights(self) -> np.ndarray:
        """`(H,)` stage weights, ones where none were given."""
        if self.horizon is None:
            raise ValueError("an infinite-horizon problem has no stages; set `horizon`")
        return np.ones(self.horizon) if self.stage_weight is None else self.stage_weight
