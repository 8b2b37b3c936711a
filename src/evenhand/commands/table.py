"""The commands there are and where each one lives; nothing here imports them."""

from typing import NamedTuple


class Command(NamedTuple):
    """Where a subcommand lives; its module has the options class, `run` and `show`."""

    summary: str
    module: str
    options: str
    uses_jax: bool = False


COMMANDS: dict[str, Command] = {
    "list": Command(
        "Names of environments, presets, algorithms, policies and metrics.",
        "evenhand.commands.listing",
        "ListOptions",
    ),
    "evaluate": Command(
        "Run policies in an environment and measure what they do to each group.",
        "evenhand.commands.evaluate",
        "Evaluate",
        uses_jax=True,
    ),
    "audit": Command(
        "Audit one policy, exactly and on one page.", "evenhand.commands.audit", "AuditOptions"
    ),
    "compare": Command(
        "Put policies and learners beside the exact optimum, on one page.",
        "evenhand.commands.compare",
        "Compare",
        uses_jax=True,
    ),
    "report": Command(
        "Write the page of a finished run again, from its records.",
        "evenhand.commands.report",
        "ReportOptions",
    ),
    "run": Command(
        "Reproduce a paper: run its scenarios, judge its claims, write its page.",
        "evenhand.commands.run",
        "RunOptions",
        uses_jax=True,
    ),
    "claims": Command(
        "Verdicts on the claims of a reproduced paper, from its stored records.",
        "evenhand.commands.claims",
        "ClaimsOptions",
    ),
    "frontier": Command(
        "What a smaller gap costs at best: the exact frontier.",
        "evenhand.commands.frontier",
        "Frontier",
    ),
    "group-fair-lp": Command(
        "The best policies whose gaps between groups, on every task, meet a tolerance.",
        "evenhand.commands.group_fair_lp",
        "GroupFairOptions",
    ),
    "lower-bound": Command(
        "The exact time that equal treatment of actions costs on a chain.",
        "evenhand.commands.lower_bound",
        "LowerBoundOptions",
    ),
    "decompose": Command(
        "Where a policy's gap of gain between two groups comes from, exactly.",
        "evenhand.commands.decompose",
        "Decompose",
    ),
    "sensitivity": Command(
        "Which exact conclusions survive other payoffs and moves.",
        "evenhand.commands.sensitivity",
        "Sensitivity",
    ),
    "calibrate": Command(
        "Turn loan records into the parameters of an environment.",
        "evenhand.commands.calibrate",
        "Calibrate",
    ),
}
