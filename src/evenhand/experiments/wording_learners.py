"""Names and one line each of the learned methods."""

# Name -> title, what it is.
LEARNERS: dict[str, tuple[str, str]] = {
    "ppo": ("PPO", "learned: proximal policy optimisation from simulated experience"),
    "dqn": ("DQN", "learned: deep Q-learning from simulated experience"),
    "bisimulator-ppo": (
        "Bisimulator + PPO",
        "learned: PPO; it also learns a reward term and the observed moves of each group, to bring "
        "matched people of different groups closer",
    ),
    "bisimulator-dqn": ("Bisimulator + DQN", "learned: the same around deep Q-learning"),
    "bisimulator-ppo-reward": (
        "Bisimulator + PPO, reward only",
        "learned: Bisimulator without changing what is observed",
    ),
    "bisimulator-dqn-reward": (
        "Bisimulator + DQN, reward only",
        "learned: the same around deep Q-learning",
    ),
    "a-ppo": ("A-PPO", "learned: PPO whose advantages are lowered where the recall gap is large"),
    "r-ppo": ("R-PPO", "learned: PPO whose reward is lowered where the recall gap is large"),
    "elbert-po": (
        "ELBERT-PO",
        "learned: PPO with a penalty on the difference between the groups' long-term benefit rates",
    ),
    "lagrangian-ppo": (
        "Lag-PPO",
        "learned: PPO with a multiplier on the difference between the groups' returns",
    ),
    "f-ppo-l": (
        "F-PPO-L",
        "learned: PPO whose advantages are shaped by the distance between the groups' levels",
    ),
    "f-ppo-s": (
        "F-PPO-S",
        "learned: PPO that flips uncertain decisions towards equal rates while it collects",
    ),
    "f-ppo": ("F-PPO", "learned: PPO with the changes of F-PPO-L and F-PPO-S together"),
}
