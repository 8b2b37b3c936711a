"""Learners that must not prefer an action over one that is better in the long run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from evenhand.core.errors import InputError, unknown_name
from evenhand.experiments.trials.action_wording import MEASURES
from evenhand.experiments.trials.trial import Advance, Rows, Trial
from evenhand.experiments.variants import base_method
from evenhand.experiments.wording import Measure

MODELS = ("trap", "random", "chain")


@dataclass(frozen=True)
class ActionTrial(Trial):
    """Runs of `steps` steps of one problem without groups (Jabbari et al. 2017).

    `alpha` is that of the notions and of the learners that know one; `eps`, `delta` and
    `mixing_time` are for those that plan by them. `states`, `actions` and `model_seed` are of the
    random problem, `states`, `actions` and `last_reward` of the chain; the trap has its own.
    Without a `discount` the model's own is taken. What would be played in every state, visited or
    not, is audited once in `audit_every` steps.
    """

    kind: ClassVar[str] = "action-fairness"
    unit: ClassVar[str] = "steps"
    together: ClassVar[int] = 40
    measures: ClassVar[Mapping[str, Measure]] = MEASURES

    model: str = "trap"
    states: int = 6
    actions: int = 3
    discount: float | None = None
    model_seed: int = 0
    last_reward: float = 1.0
    alpha: float = 0.1
    eps: float = 0.1
    delta: float = 0.1
    mixing_time: int = 16
    steps: int = 30_000
    rewards: str = "bernoulli"
    curve_points: int = 100
    audit_every: int = 100

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("steps", "curve_points", "mixing_time", "audit_every"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.model not in MODELS:
            raise unknown_name("model", self.model, MODELS)
        if not self.alpha >= 0:
            raise InputError(f"alpha must be 0 or more, got {self.alpha}")

    @classmethod
    def known_methods(cls) -> Mapping[str, tuple[str, ...]]:
        from evenhand.experiments.trials.action_methods import METHODS

        return METHODS

    def world(self) -> dict[str, Any]:
        from evenhand.algorithms.parts.action_run import check_rewards
        from evenhand.algorithms.parts.e3_constants import theory_constants
        from evenhand.tabular.random_families import gap_spectrum

        problem = self.problem
        check_rewards(self.rewards)
        for method in self.methods:
            self._learner(method).start(problem, 1)
        asked = theory_constants(
            problem.num_states, problem.num_actions, problem.discount, self.eps,
            max(self.alpha, 1e-9), self.mixing_time, self.delta,
        )  # fmt: skip
        return {
            "groups": ["everyone"],
            "states": problem.num_states,
            "actions": problem.num_actions,
            "discount": problem.discount,
            "gap_quantiles": gap_spectrum(problem.q_values).tolist(),
            "best_mean_reward": problem.best_gain,
            "theory": asked.sentence(self.steps),
        }

    def work(self, method: str) -> int:
        return self.steps

    def run_part(self, method: str, seed: int, advance: Advance, state: Path) -> Rows:
        return self.run_parts(method, [seed], advance, [state])[0]

    def run_parts(
        self, method: str, seeds: Sequence[int], advance: Advance, states: Sequence[Path]
    ) -> list[Rows]:
        from evenhand.algorithms.parts.action_run import run_actions
        from evenhand.experiments.trials.action_methods import audit_rows, rows_of

        tables: list[Any] = []
        log = run_actions(
            self._learner(method), self.problem, self.steps, seeds, self.rewards,
            lambda steps: advance(steps * len(seeds)),
            lambda _, laws: tables.append(laws), self.audit_every,
        )  # fmt: skip
        made = []
        for run in range(len(seeds)):
            rows = rows_of(log, run, self.problem, self.alpha, self.curve_points)
            rows["final"] += audit_rows([one[run] for one in tables], self.problem, self.alpha)
            made.append(rows)
        return made

    @cached_property
    def problem(self) -> Any:
        """The problem that all methods meet."""
        from evenhand.algorithms.parts.action_problem import action_problem
        from evenhand.tabular.families import chain
        from evenhand.tabular.random_families import ergodic_random, trap

        given = {} if self.discount is None else {"discount": self.discount}
        if self.model == "trap":
            return action_problem(trap(**given))
        if self.model == "chain":
            return action_problem(chain(self.states, self.actions, x=self.last_reward, **given))
        return action_problem(
            ergodic_random(self.states, self.actions, seed=self.model_seed, **given)
        )

    def _learner(self, method: str) -> Any:
        from evenhand.experiments.trials.action_methods import learner_of

        common = {
            "alpha": self.alpha, "eps": self.eps, "delta": self.delta,
            "mixing_time": self.mixing_time, "num_steps": self.steps,
        }  # fmt: skip
        return learner_of(base_method(method), self.options(method), common)
