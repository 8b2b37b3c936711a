"""Names and one line each of the methods that only trials compare."""

# Name -> title, what it is.
TRIAL_METHODS: dict[str, tuple[str, str]] = {
    "optimistic-pessimistic": (
        "Opt-pess",
        "plans optimistically among the policies that the data show to keep every task's gap "
        "within the tolerance, and plays the initial policy until there are some",
    ),
    "optimistic-pessimistic-one-task": (
        "Opt-pess, one task",
        "the same with the gap of one task bounded only: the method for a single task",
    ),
    "optimistic-unconstrained": (
        "Optimistic, no bound",
        "plans optimistically for all groups and tasks, whatever the gaps",
    ),
    "certified-start": (
        "Opt-pess, certified start",
        "plays a given policy until the data certify one with a small gap, then learns from there",
    ),
    "certainty-equivalent": (
        "Certainty-equivalent",
        "plans on the estimated dynamics as if they were true, every gap bounded",
    ),
    "certainty-equivalent-one-task": (
        "Certainty-equivalent, one task",
        "plans on the estimated dynamics as if they were true, one task's gap bounded",
    ),
    "focops-one-task": (
        "FOCOPS, one task",
        "learned: the same with multipliers on the gap of one task only, all tasks pursued",
    ),
    "focops-unconstrained": (
        "FOCOPS, no constraint",
        "learned: the same steps towards all tasks, whatever the gaps",
    ),
    "initial-policy": ("Initial policy", "plays the given policy, and learns nothing"),
    "constrained-optimum": (
        "Constrained optimum",
        "the best policies within the tolerance when the dynamics are known",
    ),
}
