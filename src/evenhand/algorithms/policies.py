"""Policies by name, for command lines and files: `make_policy("threshold:3", env, params, key)`.

The table holds strings, so listing it imports nothing; a newcomer adds one line.
"""

import re
from importlib import import_module
from typing import Any, NamedTuple

from jaxtyping import PRNGKeyArray

from evenhand.core.errors import InputError, unknown_name
from evenhand.core.policy import AbstractPolicy

_HERE = "evenhand.algorithms"

# Name -> the function `(env, params, key, argument) -> policy` that makes it.
POLICIES: dict[str, str] = {
    "approve-all": f"{_HERE}.rules:approve_all",
    "deny-all": f"{_HERE}.rules:deny_all",
    "constant": f"{_HERE}.rules:constant",
    "threshold": f"{_HERE}.rules:level_threshold",
    "score": f"{_HERE}.rules:score_threshold",
    "table": f"{_HERE}.rules:table",
    "max-util": f"{_HERE}.max_util:max_util",
    "max-util-fitted": f"{_HERE}.classifiers:max_util_fitted",
    "equal-opportunity": f"{_HERE}.equal_opportunity:equal_opportunity",
    "accuracy-classifier": f"{_HERE}.classifiers:accuracy_classifier",
}

# How each is written; the others by their bare name.
WRITTEN: dict[str, str] = {
    "constant": "constant:0.5",
    "threshold": "threshold:3 or threshold:3,2",
    "score": "score>=620",
    "table": "a .csv file with columns group,level,approve",
}

# Features a policy reads besides those of a person; the world must be wrapped to show them.
READS: dict[str, tuple[str, ...]] = {
    "max-util": ("level-shares",),
    "equal-opportunity": ("level-shares",),
}

# Policies that are fitted on an episode of their own before they are deployed.
LEARNS_IN_WORLD = ("max-util-fitted", "accuracy-classifier")


class Written(NamedTuple):
    """A policy as written: its name in the table and what follows it."""

    name: str
    argument: str | None


def read_policy(text: str) -> Written:
    """Name and argument of a policy that a person wrote; nothing is made or read yet."""
    text = text.strip()
    if text.lower().endswith(".csv"):
        return Written("table", text)
    if re.match(r"score\b", text):
        score = re.fullmatch(r"score\s*>=\s*(\S+)", text)
        if score is None:
            raise InputError(f"a score policy reads score>=620, got {text!r}")
        return Written("score", score[1])
    name, colon, argument = text.partition(":")
    if name not in POLICIES or name == "table":
        raise unknown_name("policy", name, [*(set(POLICIES) - {"score", "table"}), "score>=620"])
    if name in WRITTEN and not argument:
        raise InputError(f"policy {name!r} needs a number; write {WRITTEN[name]}")
    if colon and name in ("approve-all", "deny-all", *READS):
        raise InputError(f"policy {name!r} takes no {text[len(name) :]!r}; write {name}")
    return Written(name, argument if colon else None)


def make_policy(text: str, env: Any, params: Any, key: PRNGKeyArray) -> AbstractPolicy:
    """The policy that `text` names; `env` must show the features in `READS`."""
    name, argument = read_policy(text)
    for feature in READS.get(name, ()):
        if feature not in env.slices:
            raise InputError(
                f"policy {name!r} reads feature {feature!r}; wrap the world to show it"
            )
    module, _, function = POLICIES[name].partition(":")
    return getattr(import_module(module), function)(env, params, key, argument)
