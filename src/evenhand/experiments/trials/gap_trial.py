"""Learners that must keep every task's gap between groups within a tolerance while they learn."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from evenhand.core.errors import InputError, unknown_name
from evenhand.experiments.trials.trial import Advance, Rows, Trial
from evenhand.experiments.variants import base_method
from evenhand.experiments.wording import Measure

# A run of several minutes is kept on disk about this often, in episodes.
_SAVED_EVERY = 5000
_INITIAL = ("oracle", "uniform")


@dataclass(frozen=True)
class GapTrial(Trial):
    """Runs of `episodes` episodes of RiverSwim with groups (Song et al. 2025).

    `tolerance` bounds the gap of every task in every episode; the initial policy, made by an
    `oracle` or `uniform`, is said to have gaps of at most `initial_gap`.
    """

    kind: ClassVar[str] = "gap-learning"
    unit: ClassVar[str] = "episodes"
    measures: ClassVar[Mapping[str, Measure]]

    groups: int = 2
    tasks: tuple[str, ...] = ("predecessor", "near-goal")
    tolerance: float = 1.1
    initial_gap: float = 0.1
    initial: str = "oracle"
    episodes: int = 20_000
    states: int = 7
    horizon: int = 10
    curve_points: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("episodes", "curve_points"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.initial not in _INITIAL:
            raise unknown_name("initial policy", self.initial, _INITIAL)

    @classmethod
    def known_methods(cls) -> Mapping[str, tuple[str, ...]]:
        from evenhand.experiments.trials.gap_methods import METHODS

        return METHODS

    def world(self) -> dict[str, Any]:
        problem = self.problem
        for method in self.methods:
            self._learner(method).planner(problem, self.episodes)
        best = problem.optimum.J
        return {
            "groups": list(problem.groups),
            "tasks": list(self.tasks),
            "optimum": None if best is None else best.tolist(),
        }

    def work(self, method: str) -> int:
        return self.episodes

    def run_part(self, method: str, seed: int, advance: Advance, state: Path) -> Rows:
        from evenhand.algorithms.parts.gap_file import load_run, save_run
        from evenhand.algorithms.parts.gap_run import GapRun
        from evenhand.experiments.trials.gap_methods import rows_of

        learner = self._learner(method)
        about = (learner, self.problem, self.episodes, seed)
        run = load_run(state, *about) if state.exists() else GapRun(*about)
        told = run.state.episode
        advance(told)

        def tell(episode: int, _: int) -> None:
            nonlocal told
            if episode % _SAVED_EVERY == 0 and episode < self.episodes:
                save_run(run, state)
            advance(episode - told)
            told = episode

        return rows_of(run.advance(progress=tell).record(), self.curve_points)

    @cached_property
    def problem(self) -> Any:
        """The problem that all methods meet."""
        from evenhand.algorithms.parts.gap_problem import GapProblem, uniform_policy
        from evenhand.data.river_swim import choose_tasks, river
        from evenhand.tabular.river_swim import oracle_initial_policy, river_swim_mdp

        world = river(self.groups, choose_tasks(self.tasks), self.states, self.horizon)
        mdp = river_swim_mdp(world)
        if self.initial == "oracle":
            policy = oracle_initial_policy(mdp, self.initial_gap).policy
        else:
            policy = uniform_policy(mdp)
        if policy is None:
            raise InputError(f"no policy has gaps within initial_gap={self.initial_gap}; raise it")
        return GapProblem(mdp, policy, self.tolerance, self.initial_gap, world.groups)

    def _learner(self, method: str) -> Any:
        from evenhand.experiments.trials.gap_methods import learner_of

        return learner_of(base_method(method), self.options(method), self.tasks)


GapTrial.measures = {
    "regret": Measure(
        "Regret",
        "reward",
        "Summed over episodes, how much less all groups and tasks returned than under the best "
        "policies within the tolerance. Negative where a method earns more by exceeding it.",
        "A high value harms everybody: tasks are done worse than the tolerance requires.",
    ),
    "initial_regret": Measure(
        "Regret against the initial policy",
        "reward",
        "Summed over episodes, how much less was returned than under the initial policy.",
        "A positive value means that learning has not paid for itself.",
    ),
    "late_regret": Measure(
        "Regret in the second half",
        "share",
        "Share of the regret that falls into the second half of the episodes: a half where regret "
        "grows linearly, 29% where it grows with the square root.",
        "",
    ),
    "violations": Measure(
        "Episodes over the tolerance",
        "count",
        "Episodes in which the expected returns of two groups on some task differ by more than "
        "the tolerance; for one task, on that task.",
        "The group with the lower return, in every such episode.",
    ),
    "violations_under_event": Measure(
        "Episodes over the tolerance though the confidence event held",
        "count",
        "The theorem says that there are none.",
        "The group with the lower return.",
    ),
    "violation_rate": Measure(
        "Rate of episodes over the tolerance",
        "share",
        "Episodes over the tolerance by episodes.",
        "The group with the lower return.",
    ),
    "last_violation": Measure(
        "Last episode over the tolerance", "count", "Its number; 0 if there was none.", ""
    ),
    "gap": Measure(
        "Final gap",
        "reward",
        "Largest difference of two groups' expected returns on a task, of the last policy.",
        "The group with the lower return on this task.",
    ),
    "late_gap": Measure(
        "Mean gap in the second half",
        "reward",
        "The same, the mean over the second half of the episodes.",
        "The group with the lower return on this task.",
    ),
    "largest_gap": Measure(
        "Largest gap",
        "reward",
        "The same, the largest over all episodes.",
        "The group with the lower return on this task.",
    ),
    "return": Measure(
        "Final return",
        "reward",
        "Expected return of a group on a task, of the last policy.",
        "A low value harms this group.",
    ),
    "total_return": Measure(
        "Final total", "reward", "The sum of the returns of all groups and tasks.", ""
    ),
    "fallbacks": Measure(
        "Fallbacks", "count", "Episodes with the initial policy for want of a planned one.", ""
    ),
    "fallback_rate": Measure("Fallback rate", "share", "Fallbacks by episodes.", ""),
    "programs": Measure("Programs solved", "count", "Linear programs of a run.", ""),
    "event_rate": Measure(
        "Confidence event",
        "share",
        "Share of episodes whose model lay within the confidence radius of the truth, entry by "
        "entry; where it did not, nothing is guaranteed.",
        "",
    ),
    "seconds_per_episode": Measure("Seconds an episode", "number", "Wall time.", ""),
}
