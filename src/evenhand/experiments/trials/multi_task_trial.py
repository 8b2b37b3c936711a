"""Classifiers of several targets of the same people, compared with a classifier for each target."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from evenhand.core.errors import InputError, unknown_name
from evenhand.experiments.trials.multi_task_wording import MEASURES
from evenhand.experiments.trials.trial import Advance, Rows, Trial
from evenhand.experiments.variants import base_method
from evenhand.experiments.wording import Measure

PRESETS = ("small", "paper")
ALONE = "single-task"
"""The method that ARA and AREO are relative to."""


@dataclass(frozen=True)
class MultiTaskTrial(Trial):
    """Training of classifiers on a table with several binary targets (Roy & Ntoutsi 2022).

    `data` names the table, `tasks` some of its targets, () all; `rows` keeps so many people of
    each part, 0 all. Who trains and who validates is drawn from `split_seed`, the same for every
    seed of training. `epochs` and `batch_size` are the preset's where they are not given. Files of
    the user: "people.csv" with `tasks`, `group` and `protected` as in `load_table`, and a task of
    words as "hired=yes", where yes counts as 1; "acs-pums:FOLDER" with `states`; "celeba:FOLDER"
    (the attributes) with `protected`.
    """

    kind: ClassVar[str] = "multi-task"
    unit: ClassVar[str] = "epochs"
    # In threads a run compiles once and a short one takes a third less time, but what a part costs
    # could not be told from what runs beside it.
    separate: ClassVar[bool] = True
    measures: ClassVar[Mapping[str, Measure]] = MEASURES

    data: str = "acs-massachusetts"
    tasks: tuple[str, ...] = ()
    rows: int = 0
    split_seed: int = 0
    group: str = ""
    protected: str = ""
    states: tuple[str, ...] = ()
    preset: str = "small"
    epochs: int | None = None
    batch_size: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.preset not in PRESETS:
            raise unknown_name("preset", self.preset, PRESETS)
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name} must be at least 1, got {value}")
        for name in ("rows", "split_seed"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} must be at least 0, got {getattr(self, name)}")

    @classmethod
    def known_methods(cls) -> Mapping[str, tuple[str, ...]]:
        from evenhand.experiments.trials.multi_task_methods import METHODS

        return METHODS

    def world(self) -> dict[str, Any]:
        table = self.table
        for method in self.methods:
            self._classifier(method, 0)
        about = table.summary()
        return about | {"groups": list(table.group_names), "tasks": list(table.task_names)}

    def work(self, method: str) -> int:
        from evenhand.experiments.trials.multi_task_methods import num_fits

        fits = num_fits(base_method(method), self.options(method))
        return self._classifier(method, 0).epochs * fits

    def run_part(self, method: str, seed: int, advance: Advance, state: Path) -> Rows:
        from evenhand.experiments.compilation import configure_compilation

        configure_compilation()
        from evenhand.experiments.trials.multi_task_methods import fitted, is_searched, rows_of
        from evenhand.metrics.multi_task import equalized_odds_violation, task_accuracy

        table = self.table
        clock = _Clock()

        def after_epoch(epoch: int, _: Any) -> None:
            clock.epoch()
            advance(1)

        made = fitted(
            self._classifier(method, seed),
            is_searched(base_method(method), self.options(method)),
            table,
            after_epoch,
        )
        spent = clock.seconds()
        found = made.predict(table.X_test)
        accuracy = task_accuracy(table.Y_test, found)
        violation = equalized_odds_violation(table.Y_test, found, table.s_test)
        return rows_of(table.task_names, accuracy, violation, made.history_, spent)

    def relative(self, rows: Mapping[str, Rows]) -> dict[str, list[dict[str, Any]]]:
        """ARA and AREO of every method; none where single-task is not among them."""
        from evenhand.experiments.trials.multi_task_methods import relative_rows

        if ALONE not in rows:
            return {}
        tasks = self.table.task_names
        return {method: relative_rows(tasks, part, rows[ALONE]) for method, part in rows.items()}

    @cached_property
    def budget(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        words = (
            f"{max(map(self.work, self.methods)):,} epochs per seed, searches of weights included"
        )
        if ALONE not in self.methods:
            words += f"; no ARA and AREO, for {ALONE} is not among the methods"
        return words

    @cached_property
    def table(self) -> Any:
        """The people and targets that all methods meet."""
        from evenhand.experiments.trials.multi_task_data import TableAsked, table_of

        return table_of(TableAsked(*(getattr(self, name) for name in TableAsked._fields)))

    def _classifier(self, method: str, seed: int) -> Any:
        from evenhand.experiments.trials.multi_task_methods import classifier_of

        given = {"epochs": self.epochs, "batch_size": self.batch_size}
        common = {name: value for name, value in given.items() if value is not None}
        common["random_state"] = seed
        return classifier_of(base_method(method), self.options(method), common, self.preset)


class _Clock:
    """Seconds of a fit; those of an epoch leave out the first, in which programs are compiled."""

    def __init__(self) -> None:
        self._began = self._first = self._last = (time.process_time(), time.perf_counter())
        self._epochs = 0

    def epoch(self) -> None:
        self._last = (time.process_time(), time.perf_counter())
        self._first = self._first if self._epochs else self._last
        self._epochs += 1

    def seconds(self) -> dict[str, float]:
        return {
            "seconds": time.process_time() - self._began[0],
            "wall_seconds": time.perf_counter() - self._began[1],
            "seconds_per_epoch": (self._last[0] - self._first[0]) / max(self._epochs - 1, 1),
        }
