"""What measures mean, and whom a bad value harms, where people are admitted and leave."""

# Metric -> title, unit, meaning, harm; the others read as in a lending world.
ADMISSIONS: dict[str, tuple[str, str, str, str]] = {
    "return": (
        "Return",
        "reward",
        "What the decision-maker earns over one episode: with the default payoff, +1 for an "
        "admission that succeeds and -1 for one that fails.",
        "A low value harms the institution, and means that many were admitted who then failed.",
    ),
    "return_by_group": (
        "Return by group",
        "reward",
        "The part of the return that comes from decisions about each group.",
        "A negative value means that most of a group's admitted fail, at a cost to themselves.",
    ),
    "profit_rate": (
        "Return per decision",
        "share",
        "Return from a group per decision about it.",
        "A group with a low rate is one the institution has a reason to avoid.",
    ),
    "approval_rate": (
        "Admission rate",
        "share",
        "Admissions per application. An equal rate is demographic parity.",
        "A low rate for one group harms its applicants as a whole, including those who would have "
        "succeeded. The rejected apply again, so a person can count several times.",
    ),
    "recall": (
        "Recall",
        "share",
        "Admissions among applications that would succeed. An equal recall is equality of "
        "opportunity.",
        "A low value harms people who would have succeeded and were turned away; a gap means that "
        "one group bears more of these rejections.",
    ),
    "credit_gap_true": (
        "Score gap",
        "levels",
        "Distance (1-Wasserstein) between the groups' true scores at the end. No decision moves a "
        "true score here, so it is the same for every method.",
        "A large value is a difference that was there before anybody was admitted.",
    ),
    "credit_gap_observed": (
        "Observed score gap",
        "levels",
        "The same distance between the scores that the decision-maker sees, which can be bought.",
        "Where it is larger than the true gap, the group with smaller budgets looks less able "
        "than it is.",
    ),
    "social_burden": (
        "Social burden",
        "reward",
        "What the admitted of a group paid over the episode, on average, to raise their scores.",
        "A high value harms those who must buy what others get without effort; a gap means that "
        "one group pays more for the same admission.",
    ),
}
