"""What fits into a machine's memory."""

from typing import Any

from evenhand.core.errors import InputError

# Every decision of an evaluation is kept, at about 40 bytes.
_MOST_DECISIONS = 200_000_000


def check_evaluation(env: Any, episodes: int, steps: int | None) -> None:
    """Raise an `InputError` for an evaluation whose records would not fit into memory."""
    decisions = episodes * (steps or env.episode_steps)
    if decisions > _MOST_DECISIONS:
        raise InputError(
            f"{episodes} episodes of {steps or env.episode_steps} steps are {decisions:,} "
            f"decisions to keep in memory, more than {_MOST_DECISIONS:,}; lower --episodes"
        )
