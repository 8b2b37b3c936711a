"""The lending world of ml-fairness-gym as a user would write it for Gymnasium today, in two ways.

`LendingNumpy` is idiomatic NumPy, `LendingScalar` hand-tuned scalar Python. Two groups, seven
levels; a loan moves a share `shift` of the group's mass at the applicant's level one level up or
down. Observation: one-hot level, one-hot group, running true-positive rate of each group.
"""

import random

import gymnasium
import numpy as np

INITIAL = ((0.0, 0.1, 0.1, 0.2, 0.3, 0.3, 0.0), (0.1, 0.1, 0.2, 0.3, 0.3, 0.0, 0.0))
REPAY = (0.1, 0.2, 0.45, 0.6, 0.65, 0.7, 0.7)


class LendingNumpy(gymnasium.Env):
    """Straightforward NumPy."""

    metadata: dict = {"render_modes": []}  # noqa: RUF012

    def __init__(self, episode_steps=10_000, cash=10_000.0, shift=0.01):
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (11,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(2)
        self.episode_steps, self.first_cash, self.shift = episode_steps, cash, shift

    def _draw(self):
        self.group = int(self.np_random.integers(2))
        self.level = int(self.np_random.choice(7, p=self.law[self.group]))
        self.repays = bool(self.np_random.random() < REPAY[self.level])

    def _obs(self):
        obs = np.zeros(11, np.float32)
        obs[self.level] = 1
        obs[7 + self.group] = 1
        total = self.hits + self.misses
        obs[9:] = np.divide(self.hits, total, out=np.zeros(2), where=total > 0)
        return obs

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.law, self.time, self.cash = np.array(INITIAL), 0, self.first_cash
        self.hits, self.misses = np.zeros(2), np.zeros(2)
        self._draw()
        return self._obs(), {}

    def step(self, action):
        reward, group = 0.0, self.group
        if action == 1:
            reward = 1.0 if self.repays else -1.0
            self.cash += reward
            target = min(max(self.level + (1 if self.repays else -1), 0), 6)
            moved = min(self.shift, self.law[group, self.level])
            self.law[group, self.level] -= moved
            self.law[group, target] += moved
            self.hits[group] += self.repays
        elif self.repays:
            self.misses[group] += 1
        self.law[group] = np.clip(self.law[group], 0, None)
        self.law[group] /= self.law[group].sum()
        self.time += 1
        self._draw()
        return self._obs(), reward, self.cash < 1, self.time >= self.episode_steps, {}


class LendingScalar(gymnasium.Env):
    """The same with every operation on plain Python numbers: about fifteen times as fast."""

    metadata: dict = {"render_modes": []}  # noqa: RUF012

    def __init__(self, episode_steps=10_000, cash=10_000.0, shift=0.01):
        self.observation_space = gymnasium.spaces.Box(-np.inf, np.inf, (11,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(2)
        self.episode_steps, self.first_cash, self.shift = episode_steps, cash, shift
        self.random = random.Random(0)

    def _draw(self):
        draw = self.random.random
        group = self.group = draw() < 0.5
        u, reach, law, level = draw(), 0.0, self.law[group], 0
        for level in range(7):
            reach += law[level]
            if u < reach:
                break
        while law[level] <= 0:
            level -= 1
        self.level = level
        self.repays = draw() < REPAY[level]

    def _obs(self):
        obs = [0.0] * 11
        obs[self.level] = 1.0
        obs[7 + self.group] = 1.0
        total = self.hits[0] + self.misses[0]
        obs[9] = self.hits[0] / total if total else 0.0
        total = self.hits[1] + self.misses[1]
        obs[10] = self.hits[1] / total if total else 0.0
        return np.array(obs, np.float32)

    def reset(self, *, seed=None, options=None):
        if seed is not None:
            self.random.seed(seed)
        self.law = [list(INITIAL[0]), list(INITIAL[1])]
        self.time, self.cash = 0, self.first_cash
        self.hits, self.misses = [0, 0], [0, 0]
        self._draw()
        return self._obs(), {}

    def step(self, action):
        reward, group = 0.0, self.group
        if action == 1:
            level, law = self.level, self.law[group]
            if self.repays:
                reward, target = 1.0, level + 1 if level < 6 else 6
                self.hits[group] += 1
            else:
                reward, target = -1.0, level - 1 if level > 0 else 0
            self.cash += reward
            moved = self.shift if law[level] > self.shift else law[level]
            law[level] -= moved
            law[target] += moved
        elif self.repays:
            self.misses[group] += 1
        self.time += 1
        self._draw()
        return self._obs(), reward, self.cash < 1, self.time >= self.episode_steps, {}
