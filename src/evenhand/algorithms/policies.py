"""Policies by name, for command lines and files: `make_policy("threshold:3", env, params, key)`.

The table of names is `core.registry.POLICIES`.
"""

import re
from typing import Any, NamedTuple

from jaxtyping import PRNGKeyArray

from evenhand.algorithms.model_text import read_model_text
from evenhand.core.errors import InputError, unknown_name
from evenhand.core.policy import AbstractPolicy
from evenhand.core.registry import POLICIES, POLICY_FORMS, load

# Features a policy reads besides those of a person; the world must be wrapped to show them.
READS: dict[str, tuple[str, ...]] = {
    "max-util": ("level-shares",),
    "equal-opportunity": ("level-shares",),
}

# Policies that are fitted on an episode of their own before they are deployed.
LEARNS_IN_WORLD = ("max-util-fitted", "accuracy-classifier")

# Policies that are written as the path of a file.
FILES = ("model", "table")


class Written(NamedTuple):
    """A policy as written: its name in the table and what follows it."""

    name: str
    argument: str | None


def read_policy(text: str) -> Written:
    """Name and argument of a policy that a person wrote; nothing is made or read yet."""
    text = text.strip()
    if text.lower().endswith(".csv"):
        return Written("table", text)
    if read_model_text(text) is not None:
        return Written("model", text)
    if re.match(r"score\b", text):
        score = re.fullmatch(r"score\s*>=\s*(\S+)", text)
        if score is None:
            raise InputError(f"a score policy reads score>=620, got {text!r}")
        return Written("score", score[1])
    name, colon, argument = text.partition(":")
    if name not in POLICIES or name in FILES:
        known = set(POLICIES) - {"score", *FILES}
        raise unknown_name("policy", name, [*known, "score>=620"])
    if name in POLICY_FORMS and not argument:
        raise InputError(f"policy {name!r} needs a number; write {POLICY_FORMS[name]}")
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
    return load("policy", POLICIES, name)(env, params, key, argument)
