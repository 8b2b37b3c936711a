"""Classifiers that share one network between all tasks and choose a loss for each.

Roy & Ntoutsi, Learning to Teach Fairness-aware Deep Multi-task Learning (ECML PKDD 2022). Their
released code never trains the shared network (its gradients are discarded) and averages in cells
without rows to NaN; neither is copied. `train_trunk=False` shows what the first comes to.
"""

from dataclasses import dataclass
from typing import Any

from evenhand.core.errors import InputError, unknown_name
from evenhand.supervised.chooser import AbstractChooser, LargerLoss, OneLoss
from evenhand.supervised.classifier import MultiTaskClassifier
from evenhand.supervised.classifier_settings import check_number, check_widths
from evenhand.supervised.gradnorm import TARGETS
from evenhand.supervised.look_ahead import LOOK_AHEADS
from evenhand.supervised.rule import AbstractRule
from evenhand.supervised.shared_gradient import NORM_LAYERS
from evenhand.supervised.shared_student import SharedStudent
from evenhand.supervised.teacher import Teacher

GREEDY_LOSSES = ("printed", "relative")
TEACHER_UPDATES = ("epoch", "batch")
# The sizes and settings of the released code; the defaults are for a processor of two cores.
_PAPER: dict[str, Any] = {
    "hidden": (1024, 1024, 512, 128), "batch_size": 8192, "norm_layers": "all",
}  # fmt: skip


@dataclass(kw_only=True, eq=False, repr=False)
class VanillaMTL(MultiTaskClassifier):
    """Trains every task for accuracy; GradNorm weighs the tasks in the shared network.

    - `gradnorm_alpha`, `gradnorm_rate`, `gradnorm_target`: see `gradnorm.gradnorm_step`.
    - `norm_layers`: the shared parameters whose gradients GradNorm compares, "last" or "all".
    - `train_trunk`: False keeps the shared network as drawn.

    `history_` has `loss` `(E, B, 2, M)` (accuracy loss, worst-group loss), `choice` `(E, B, M)`
    (0 or 1, the loss trained on), `weight` `(E, B, M)`, and by epoch `accuracy` and `violation`
    of equalised odds on the validation rows `(E, M)`.
    """

    gradnorm_alpha: float = 1.0
    gradnorm_rate: float = 1e-3
    gradnorm_target: str = "constant"
    norm_layers: str = "last"
    train_trunk: bool = True

    @classmethod
    def paper(cls, **changes: Any) -> "VanillaMTL":
        """The estimator with the published sizes: minutes to hours instead of seconds."""
        settings: dict[str, Any] = _PAPER | {"epochs": 50} | changes
        return cls(**settings)

    def _chooser(self) -> AbstractChooser:
        return OneLoss()

    def _rule(self) -> AbstractRule:
        return SharedStudent(
            chooser=self._chooser(),
            hidden=tuple(self.hidden),
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            gradnorm_alpha=self.gradnorm_alpha,
            gradnorm_rate=self.gradnorm_rate,
            gradnorm_target=self.gradnorm_target,
            norm_layers=self.norm_layers,
            train_trunk=self.train_trunk,
            image_shape=getattr(self, "image_shape_", None),
        )

    def _check_settings(self) -> None:
        MultiTaskClassifier._check_settings(self)
        for name in ("gradnorm_alpha", "gradnorm_rate"):
            check_number(name, getattr(self, name), "at least 0")
        for kind, value, known in (
            ("gradnorm_target", self.gradnorm_target, TARGETS),
            ("norm_layers", self.norm_layers, NORM_LAYERS),
        ):
            if value not in known:
                raise unknown_name(kind, str(value), known)


@dataclass(kw_only=True, eq=False, repr=False)
class GreedyFMT(VanillaMTL):
    """Trains every task, batch by batch, on the larger of its two losses (G-FMT).

    - `compare` "printed": the losses themselves, as published. The worst-group loss is never the
      smaller one while no cell of a batch is empty, so this trains on it always.
    - `compare` "relative": each loss over its own value on the first batch.
    """

    compare: str = "printed"

    def _chooser(self) -> AbstractChooser:
        return LargerLoss(relative=self.compare == "relative")

    def _check_settings(self) -> None:
        VanillaMTL._check_settings(self)
        if self.compare not in GREEDY_LOSSES:
            raise unknown_name("way to compare losses", str(self.compare), GREEDY_LOSSES)


@dataclass(kw_only=True, eq=False, repr=False)
class L2TFMT(VanillaMTL):
    """Trains every task, batch by batch, on the loss that a learned teacher chooses (L2T-FMT).

    - `teacher_hidden`, `discount`: widths of the Q-network, and how much later rewards count.
    - `look_ahead` "head": the rewards of either loss come from a step of the task's output layer;
      "full": of the whole network, as in the released code, for 2 M passes a batch.
    - `teacher_update`: the teacher learns after every "epoch" (released code) or "batch".

    `history_` has `reward` `(E, B, M, 2)` and `teacher_loss` as well.
    """

    teacher_hidden: tuple[int, ...] = (128, 128, 64)
    discount: float = 0.9
    look_ahead: str = "head"
    teacher_update: str = "epoch"

    @classmethod
    def paper(cls, **changes: Any) -> "L2TFMT":
        """The estimator with the published sizes: hours instead of seconds on two cores."""
        settings: dict[str, Any] = _PAPER | {
            "epochs": 20, "teacher_hidden": (512, 512, 256), "look_ahead": "full",
        } | changes  # fmt: skip
        return cls(**settings)

    def _chooser(self) -> AbstractChooser:
        return Teacher(
            hidden=tuple(self.teacher_hidden),
            discount=self.discount,
            look_ahead=self.look_ahead,
            update=self.teacher_update,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            gradnorm_alpha=self.gradnorm_alpha,
            gradnorm_rate=self.gradnorm_rate,
            gradnorm_target=self.gradnorm_target,
        )

    def _check_settings(self) -> None:
        VanillaMTL._check_settings(self)
        for kind, value, known in (
            ("look_ahead", self.look_ahead, LOOK_AHEADS),
            ("teacher_update", self.teacher_update, TEACHER_UPDATES),
        ):
            if value not in known:
                raise unknown_name(kind, str(value), known)
        check_widths("teacher_hidden", self.teacher_hidden)
        if not 0 <= self.discount < 1:
            raise InputError(f"discount must be from 0 to below 1, got {self.discount!r}")
