"""Names and one line each of the learned methods."""

# Name -> title, what it is. Every line says by itself what the method is: pages and lists show any
# of them without the others.
LEARNERS: dict[str, tuple[str, str]] = {
    "ppo": ("PPO", "learned: proximal policy optimisation; knows nothing of groups"),
    "dqn": ("DQN", "learned: deep Q-learning; knows nothing of groups"),
    "bisimulator-ppo": (
        "Bisimulator (PPO)",
        "learned: PPO; a learned reward term, and learned moves of the observed score, are to "
        "bring matched people of the groups closer",
    ),
    "bisimulator-dqn": (
        "Bisimulator (DQN)",
        "learned: DQN; a learned reward term, and learned moves of the observed score, are to "
        "bring matched people of the groups closer",
    ),
    "bisimulator-ppo-reward": (
        "Bisimulator (PPO, reward only)",
        "learned: PPO; a learned reward term is to bring matched people of the groups closer",
    ),
    "bisimulator-dqn-reward": (
        "Bisimulator (DQN, reward only)",
        "learned: DQN; a learned reward term is to bring matched people of the groups closer",
    ),
    "a-ppo": (
        "A-PPO",
        "learned: PPO with its advantage lowered where the episode's recall gap is wide or grows",
    ),
    "r-ppo": (
        "R-PPO",
        "learned: PPO with its reward lowered by a multiple of the episode's recall gap",
    ),
    "elbert-po": (
        "ELBERT-PO",
        "learned: PPO charged for the squared difference of the groups' long-term benefit rates",
    ),
    "lagrangian-ppo": (
        "Lagrangian PPO",
        "learned: PPO with multipliers on the differences between the groups' returns",
    ),
    "f-ppo-l": (
        "F-PPO-L",
        "learned: PPO with its advantage shaped by the recent distance between the groups' levels",
    ),
    "f-ppo-s": (
        "F-PPO-S",
        "learned: PPO that flips uncertain decisions in training where that narrows the recent "
        "recall gap",
    ),
    "f-ppo": ("F-PPO", "learned: PPO with the changes of F-PPO-L and F-PPO-S together"),
    "ppo-c": (
        "PPO-C",
        "learned: PPO charged for the squared difference of what its decisions bring the groups",
    ),
    "focops": (
        "FOCOPS",
        "learned: an agent per group in turns, with multipliers on the gap of every pair and task",
    ),
    "group-lagrangian-ppo": (
        "Lagrangian PPO, a group a turn",
        "learned: FOCOPS's turns and multipliers on the clipped surrogate of PPO",
    ),
    "group-ppo": (
        "PPO, a group a turn",
        "learned: FOCOPS's turns on the clipped surrogate of PPO, without constraints",
    ),
    "ppo-cb": (
        "PPO-Cb",
        "learned: PPO-C charged too for unequal approvals of people with equal benefit",
    ),
}
