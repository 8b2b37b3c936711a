"""Names and one line each of the methods that only trials compare."""

# Name -> title, what it is.
TRIAL_METHODS: dict[str, tuple[str, str]] = {
    "boltzmann": (
        "Boltzmann",
        "plays better actions more often, by the values of the estimated model",
    ),
    "e3": (
        "E3",
        "tries the action tried least until a state is known, then exploits or escapes",
    ),
    "fair-e3": (
        "Fair-E3",
        "explores by random trajectories, and plays only actions shown to be nearly the best",
    ),
    "interval-certified": (
        "Interval-certified",
        "plays uniformly over what confidence intervals of the values cannot tell apart",
    ),
    "q-learning": (
        "Q-learning",
        "epsilon-greedy on values that are learned a step at a time, without a model",
    ),
    "r-max": (
        "R-max",
        "takes what is not known to be the best there is, and plans on that",
    ),
    "ucb-vi": ("UCB-VI", "plays the action with the highest upper bound on its value"),
    "uniform-play": ("Uniform", "plays every action equally often, and learns nothing"),
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
    "fair-branch": (
        "FairBranch",
        "one network that branches between tasks whose parameters part, then trains the branches "
        "against their worst groups",
    ),
    "g-fmt": (
        "G-FMT",
        "one network for all tasks; trains each, batch by batch, on the larger of its two losses",
    ),
    "l2t-fmt": (
        "L2T-FMT",
        "one network for all tasks; a learned teacher chooses each task's loss in every batch",
    ),
    "mta-f": (
        "MTA-F",
        "trains heads against unfairness on people whose label differs on that task only, shared "
        "layers on the others; the weight of that loss is searched on the validation part",
    ),
    "single-task": (
        "Single-task",
        "a network of its own per task, trained for accuracy and against its worst group",
    ),
    "vanilla-mtl": (
        "Vanilla MTL",
        "one network for all tasks, trained for accuracy; GradNorm weighs the tasks",
    ),
    "initial-policy": ("Initial policy", "plays the given policy, and learns nothing"),
    "constrained-optimum": (
        "Constrained optimum",
        "the best policies within the tolerance when the dynamics are known",
    ),
}
