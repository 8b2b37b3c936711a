"""Names for text to meet objects: `"Name-vN" -> "module:Class"`, imported only when asked for.

In Python one imports the class itself; names are for command lines and configuration files. The
tables hold strings, so listing them imports nothing. A newcomer adds one line here.
"""

import re
from importlib import import_module
from typing import Any

from evenhand.core.errors import InputError, unknown_name

ENVIRONMENTS: dict[str, str] = {
    "Admissions-v0": "evenhand.envs.admissions:Admissions",
    "Lending-v0": "evenhand.envs.lending:Lending",
    "RiverSwim-v0": "evenhand.envs.river_swim:RiverSwim",
}
# Robots by groups, for Gymnasium alone: physics on the host, no compiled world.
ROBOT_ENVIRONMENTS: dict[str, str] = dict.fromkeys(
    ("AntGroups-v0", "HalfCheetahGroups-v0", "HopperGroups-v0", "HumanoidGroups-v0"),
    "evenhand.envs.robots.gymnasium_robot:make_robot",
)
ALGORITHMS: dict[str, str] = {
    "a-ppo": "evenhand.algorithms.a_ppo:a_ppo",
    "bisimulator-dqn": "evenhand.algorithms.bisimulator_variants:bisimulator_dqn",
    "bisimulator-dqn-reward": "evenhand.algorithms.bisimulator_variants:reward_only_dqn",
    "bisimulator-ppo": "evenhand.algorithms.bisimulator_variants:bisimulator_ppo",
    "bisimulator-ppo-reward": "evenhand.algorithms.bisimulator_variants:reward_only_ppo",
    "dqn": "evenhand.algorithms.dqn:DQN",
    "elbert-po": "evenhand.algorithms.benefit_rate:elbert_po",
    "f-ppo": "evenhand.algorithms.f_ppo:f_ppo",
    "f-ppo-l": "evenhand.algorithms.f_ppo_l:f_ppo_l",
    "f-ppo-s": "evenhand.algorithms.f_ppo_s:f_ppo_s",
    "focops": "evenhand.algorithms.focops:FOCOPS",
    "group-lagrangian-ppo": "evenhand.algorithms.focops_variants:group_lagrangian_ppo",
    "group-ppo": "evenhand.algorithms.focops_variants:group_ppo",
    "lagrangian-ppo": "evenhand.algorithms.lagrangian_ppo:lagrangian_ppo",
    "ppo": "evenhand.algorithms.ppo:PPO",
    "ppo-c": "evenhand.algorithms.ppo_c:ppo_c",
    "ppo-cb": "evenhand.algorithms.ppo_c:ppo_cb",
    "r-ppo": "evenhand.algorithms.r_ppo:r_ppo",
}
# Name -> the field by which a method trades return for a smaller gap, and five values of it, from
# no effect to a strong one: what a sweep without values runs.
TRADE_OFFS: dict[str, tuple[str, tuple[str, ...]]] = {
    "a-ppo": ("decrease_weight", ("0", "0.25", "1", "4", "16")),
    "bisimulator-dqn": ("alpha", ("0", "0.03", "0.1", "0.3", "1")),
    "bisimulator-dqn-reward": ("alpha", ("0", "0.03", "0.1", "0.3", "1")),
    "bisimulator-ppo": ("alpha", ("0", "0.03", "0.1", "0.3", "1")),
    "bisimulator-ppo-reward": ("alpha", ("0", "0.03", "0.1", "0.3", "1")),
    "elbert-po": ("alpha", ("0", "3e3", "3e4", "3e5", "3e6")),
    "f-ppo": ("narrow_weight", ("0", "0.3", "1", "3", "10")),
    "f-ppo-l": ("narrow_weight", ("0", "0.3", "1", "3", "10")),
    "focops": ("multiplier_max", ("0", "0.5", "1", "2", "4")),
    "group-lagrangian-ppo": ("multiplier_max", ("0", "0.5", "1", "2", "4")),
    "lagrangian-ppo": ("multiplier_max", ("0", "0.5", "1", "2", "4")),
    "ppo-c": ("parity_weight", ("0", "0.2", "0.65", "2", "6.5")),
    "ppo-cb": ("benefit_weight", ("0", "0.3", "1", "3", "10")),
    "r-ppo": ("gap_weight", ("0", "0.5", "2", "8", "32")),
}
# Name -> the function `(env, params, key, argument) -> policy` that makes it.
POLICIES: dict[str, str] = {
    "approve-all": "evenhand.algorithms.rules:approve_all",
    "deny-all": "evenhand.algorithms.rules:deny_all",
    "constant": "evenhand.algorithms.rules:constant",
    "threshold": "evenhand.algorithms.rules:level_threshold",
    "score": "evenhand.algorithms.rules:score_threshold",
    "table": "evenhand.algorithms.rules:table",
    "model": "evenhand.algorithms.model_policy:model_policy",
    "max-util": "evenhand.algorithms.max_util:max_util",
    "max-util-fitted": "evenhand.algorithms.classifiers:max_util_fitted",
    "equal-opportunity": "evenhand.algorithms.equal_opportunity:equal_opportunity",
    "accuracy-classifier": "evenhand.algorithms.classifiers:accuracy_classifier",
}
# How a policy with an argument is written; the others by their bare name.
POLICY_FORMS: dict[str, str] = {
    "constant": "constant:0.5",
    "threshold": "threshold:3 or threshold:3,2",
    "score": "score>=620",
    "table": "a .csv file with columns group,level,approve",
    "model": "a .skops, .onnx, .joblib or .pkl file with a fitted model: card.skops>=0.7",
}

# Kind of study -> its class: comparisons that are not of policies in one world.
TRIALS: dict[str, str] = {
    "action-fairness": "evenhand.experiments.trials.action_trial:ActionTrial",
    "gap-learning": "evenhand.experiments.trials.gap_trial:GapTrial",
    "multi-task": "evenhand.experiments.trials.multi_task_trial:MultiTaskTrial",
    "robots": "evenhand.experiments.trials.robot_trial:RobotTrial",
}
_ACTION_LEARNERS = (
    "boltzmann", "e3", "fair-e3", "interval-certified", "q-learning", "r-max", "ucb-vi",
    "uniform-play",
)  # fmt: skip
# Kind -> the methods it knows that are no algorithms above.
TRIAL_METHODS: dict[str, tuple[str, ...]] = {
    "action-fairness": _ACTION_LEARNERS,
    "gap-learning": (
        "optimistic-pessimistic",
        "optimistic-pessimistic-one-task",
        "optimistic-unconstrained",
        "certified-start",
        "certainty-equivalent",
        "certainty-equivalent-one-task",
        "initial-policy",
        "constrained-optimum",
    ),
    "multi-task": ("fair-branch", "g-fmt", "l2t-fmt", "mta-f", "single-task", "vanilla-mtl"),
    "robots": ("focops-one-task", "focops-unconstrained"),
}

METRIC_IDS: tuple[str, ...] = (
    "return",
    "return_by_group",
    "profit_rate",
    "approval_rate",
    "recall",
    "credit_gap_true",
    "credit_gap_observed",
    "qualification_gain",
    "social_burden",
)
# Measures of a run alone: they compare a whole evaluation with the exact model of a person.
RUN_METRIC_IDS: tuple[str, ...] = (
    "gain_per_person",
    "direct_effect",
    "indirect_effect",
    "spurious_effect",
    "direct_effect_per_visit",
    "benefit_disparity",
    "benefit_disparity_0.02",
    "qualification_gain_noise_floor",
)

# Those of them that compare groups themselves, and have no value by group or difference.
BETWEEN_GROUPS = (
    "benefit_disparity",
    "benefit_disparity_0.02",
    "qualification_gain_noise_floor",
)

_ENVIRONMENT_ID = re.compile(r"[A-Z]\w*-v\d+")
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def register_environment(name: str, target: str) -> None:
    """Add an environment of your own: `register_environment("Loans-v0", "my_package.loans:Loans")`.

    The version moves when the dynamics or the default parameters move, so a name never changes
    its meaning: a name that is taken by another target is refused.
    """
    if not _ENVIRONMENT_ID.fullmatch(name):
        raise InputError(f"an environment's name reads like 'Lending-v0', got {name!r}")
    _register("environment", ENVIRONMENTS, name, target)


def register_algorithm(name: str, target: str) -> None:
    """Add an algorithm of your own under a short lower-case name."""
    _register("algorithm", ALGORITHMS, name, target)


def register_policy(name: str, target: str) -> None:
    """Add a policy: `target` is a function that makes it."""
    _register("policy", POLICIES, name, target)


def register_trial(name: str, target: str, methods: tuple[str, ...]) -> None:
    """Add a kind of study: `target` is its class, `methods` the names it gives its own."""
    _register("kind of study", TRIALS, name, target)
    TRIAL_METHODS[name] = methods


def make(name: str, **options: Any) -> Any:
    """A new environment of this name: `make("Lending-v0")`; `options` go to its class."""
    return load("environment", ENVIRONMENTS, name)(**options)


def make_algorithm(name: str, **options: Any) -> Any:
    """A new algorithm of this name; `options` are its hyperparameters."""
    return load("algorithm", ALGORITHMS, name)(**options)


def load(kind: str, table: dict[str, str], name: str) -> Any:
    """The class or function behind a name in a table, imported now."""
    if name not in table:
        raise unknown_name(kind, name, table)
    module, _, attribute = table[name].partition(":")
    return getattr(import_module(module), attribute)


def _register(kind: str, table: dict[str, str], name: str, target: str) -> None:
    if not _TARGET.fullmatch(target):
        raise InputError(f"the target of {kind} {name!r} reads 'module:Name', got {target!r}")
    if table.get(name, target) != target:
        raise InputError(
            f"{kind} {name!r} is already {table[name]}; give yours another name or version"
        )
    table[name] = target
