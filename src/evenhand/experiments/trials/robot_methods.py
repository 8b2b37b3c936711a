"""From the names of a robot trial's methods to algorithms of the same shape and budget."""

from dataclasses import replace
from typing import Any

from evenhand.algorithms.focops import FOCOPS
from evenhand.algorithms.focops_on_host import HostFOCOPS
from evenhand.algorithms.focops_variants import (
    CLIPPED,
    group_lagrangian_ppo,
    group_ppo,
    only_constraining,
)
from evenhand.algorithms.parts.trust_region import TrustRegion
from evenhand.core.errors import unknown_name

# Rows of a gradient step, as in the released code of FOCOPS.
_MINIBATCH = 64


def algorithm_of(
    name: str, options: dict[str, Any], tasks: tuple[str, ...], shape: tuple[int, int, bool],
    updates: int,
) -> HostFOCOPS:  # fmt: skip
    """The method on the host; `shape` is columns of a turn, steps of a turn, and a head a task."""
    columns, steps, multi_head = shape
    given = dict(options)
    task = given.pop("task", tasks[0])
    if task not in tasks:
        raise unknown_name("task to constrain", task, tasks)
    made = {
        "group-lagrangian-ppo": group_lagrangian_ppo,
        "group-ppo": group_ppo,
    }.get(name, FOCOPS)(num_envs=columns, num_steps=steps, **given)
    rule = replace(made.rule, task_mode="conditioned", multi_head=multi_head)
    region = CLIPPED if name.startswith("group-") else TrustRegion()
    region = replace(region, num_minibatches=max(columns * steps // _MINIBATCH, 1))
    made = replace(made, rule=rule, region=region)
    if name == "focops-one-task":
        made = only_constraining(made, task)
    if name == "focops-unconstrained":
        made = only_constraining(made, "none")
    made = replace(made, anneal_updates=updates)
    return HostFOCOPS(method=made)  # pyright: ignore[reportCallIssue]
