"""Problems for tests of learners that bound gaps."""

import numpy as np

from evenhand.algorithms.parts.gap_problem import GapProblem, uniform_policy
from evenhand.data.river_swim import River
from evenhand.tabular.mdp import TabularMDP
from evenhand.tabular.river_swim import oracle_initial_policy, river_swim_mdp


def two_task_river(tolerance=1.1, initial_gap=0.1):
    """RiverSwim with two groups and two tasks, as in the reference runs."""
    mdp = river_swim_mdp(River(tasks=("predecessor", "near-goal")))
    policy = oracle_initial_policy(mdp, initial_gap).policy
    return GapProblem(mdp, policy, tolerance, initial_gap, groups=("A", "B"))


def two_state_mdp():
    """Two stages and states, so small that the theory's own radius is left within 20,000 episodes.

    Group 0 starts where action 1 pays and stays there; group 1 rarely gets there.
    """
    transition = np.empty((2, 2, 2, 2))
    transition[:, :, 0] = 0.95, 0.05
    transition[0, :, 1] = 0.05, 0.95
    transition[1, :, 1] = 0.9, 0.1
    rewards = np.zeros((2, 2, 2, 1))
    rewards[:, 1, 1], rewards[:, 0, 0] = 1.0, 0.1
    initial = np.array([[0.05, 0.95], [0.9, 0.1]])
    return TabularMDP(transition, rewards, initial, np.ones(2), horizon=2)


def two_state_problem():
    """The world above with a cautious start, within a tolerance that binds."""
    mdp = two_state_mdp()
    policy = uniform_policy(mdp)
    policy[0] = 0.7, 0.3
    return GapProblem(mdp, policy, tolerance=1.4, initial_gap=0.3)


def torn_mdp():
    """Group 0 earns 1 whatever it does, group 1 nothing: every policy has a gap of 3."""
    transition = np.full((2, 2, 2, 2), 0.5)
    rewards = np.zeros((2, 2, 2, 1))
    rewards[0] = 1.0
    return TabularMDP(transition, rewards, np.full((2, 2), 0.5), np.ones(2), horizon=3)
