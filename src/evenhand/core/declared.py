"""What methods read and worlds show, said without importing either; tests hold it to the truth.

A name that is missing here costs a listing the import of what it stands for, and nothing else.
"""

# Algorithm or rule -> features it adds to those chosen for everybody, with its default options.
READS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("a-ppo", "elbert-po", "r-ppo"), ("running-rates",)),
    **dict.fromkeys(("f-ppo", "f-ppo-l"), ("group", "recent-rates-300", "history-300")),
    "f-ppo-s": ("group", "recent-rates-300"),
    **dict.fromkeys(("dqn", "lagrangian-ppo", "ppo", "ppo-c", "ppo-cb"), ()),
    **dict.fromkeys(("bisimulator-dqn", "bisimulator-dqn-reward"), ()),
    **dict.fromkeys(("bisimulator-ppo", "bisimulator-ppo-reward"), ()),
    **dict.fromkeys(("equal-opportunity", "max-util"), ("level-shares",)),
}
# Rules whose argument is on the population's own scale of scores, which not every world has.
READS_SCALE = ("score",)

_WINDOWS = ("running-rates", "recent-rates-300", "history-300", "level-shares")
# Environment -> the features it can show; 300 stands for any length.
SHOWS: dict[str, tuple[str, ...]] = {
    "Lending-v0": (
        *("score-onehot", "score-scaled", "group", "own-ratios", "time-left"),
        *_WINDOWS,
    ),
    "Admissions-v0": ("score-onehot", "score-scaled", "group", "time-left", *_WINDOWS),
    "RiverSwim-v0": ("score-onehot", "score-scaled", "group", "time-left", "turn-left", *_WINDOWS),
}
# Environment -> how PPO and DQN may credit a decision; along people where the world says who
# comes next.
CREDITS: dict[str, tuple[str, ...]] = {
    "Lending-v0": ("stream", "individual"),
    "Admissions-v0": ("stream", "individual"),
    "RiverSwim-v0": ("stream", "individual"),
}
