"""The measures of action trials in words."""

from evenhand.experiments.wording import Measure

_NOTIONS = "`fair`, `choice` and `action` are Definitions 2, 3 and 4 of Jabbari et al. (2017)."

MEASURES: dict[str, Measure] = {
    "violating_run": Measure(
        "Runs with a violation",
        "share",
        "1 if in any round the law that was played prefers an action that the notion forbids it to "
        f"prefer, by the true Q*; over seeds, the share of such runs. {_NOTIONS}",
        "Who is behind an action that is better in the long run and was played less.",
    ),
    "violating_rounds": Measure(
        "Rounds with a violation",
        "share",
        f"Share of the steps of a run in which the law violates the notion. {_NOTIONS}",
        "Who is behind an action that is better in the long run and was played less.",
    ),
    "violating_audits": Measure(
        "Audits with a violation",
        "share",
        "The same over all states, visited or not: share of the audited rounds (`audit_every`), "
        f"in which the law of any state violates the notion. {_NOTIONS}",
        "Who would be behind an action that is better in the long run and would be played less.",
    ),
    "smallest_alpha": Measure(
        "Smallest alpha",
        "number",
        "The smallest alpha at which the whole run satisfies the notion: for `action` the worst "
        "gap, by how much less an action was worth than one that was played less; for `choice` the "
        "largest preference given to an action that is no better.",
        "A high value harms whoever is behind the better action.",
    ),
    "reward_gap": Measure(
        "Reward beyond the optimum's",
        "reward",
        "Mean reward of a step, less what an optimal policy earns in the long run; negative for "
        "whoever earns less.",
        "A low value harms everybody.",
    ),
    "late_reward_gap": Measure(
        "Reward beyond the optimum's, last quarter",
        "reward",
        "The same over the last quarter of the steps.",
        "A low value harms everybody.",
    ),
    "value_gap": Measure(
        "Distance to the optimum in the values of states",
        "reward",
        "(1 - discount) times the difference between the mean of V* over the states that a best "
        "policy visits in the long run and over those visited: what eps-optimality asks. It can "
        "be negative, in a state from which much can be earned.",
        "",
    ),
    "num_known": Measure("Known states", "count", "States that the learner counts as known.", ""),
    "steps_until_known": Measure(
        "Steps until all states are known", "count", "No number where some never are.", ""
    ),
    "free_exploration": Measure(
        "Free exploration",
        "share",
        "Share of the steps in random trajectories, or in balanced wandering.",
        "",
    ),
    "seconds": Measure("Seconds a run", "number", "Wall time, of runs that are made together.", ""),
}
