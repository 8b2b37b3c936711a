"""What runs have seen, all runs in one array, and the models that this suggests."""

import numpy as np
from jaxtyping import Float, Int

Runs = Int[np.ndarray, " B"]


class ActionCounts:
    """Transitions `moves (B, S, A, S)` and sums of rewards `earned (B, S)` of B runs."""

    def __init__(self, num_runs: int, num_states: int, num_actions: int):
        self.moves = np.zeros((num_runs, num_states, num_actions, num_states))
        self.visits = np.zeros((num_runs, num_states, num_actions), np.int64)
        self.earned = np.zeros((num_runs, num_states))
        self._runs = np.arange(num_runs)

    def add(self, states: Runs, actions: Runs, rewards: np.ndarray, next_states: Runs) -> None:
        """Count one step of every run."""
        runs = self._runs
        self.moves[runs, states, actions, next_states] += 1
        self.visits[runs, states, actions] += 1
        self.earned[runs, states] += rewards

    def transition(self, runs: Int[np.ndarray, " b"]) -> Float[np.ndarray, "b S A S"]:
        """Shares of next states in these runs; uniform where nothing was seen."""
        visits, moves = self.visits[runs][..., None], self.moves[runs]
        return np.where(visits > 0, moves / np.maximum(visits, 1), 1.0 / moves.shape[-1])

    def reward(self, runs: Int[np.ndarray, " b"]) -> Float[np.ndarray, "b S"]:
        """Mean rewards in these runs; one half where nothing was seen."""
        visits = self.visits[runs].sum(-1)
        return np.where(visits > 0, self.earned[runs] / np.maximum(visits, 1), 0.5)
