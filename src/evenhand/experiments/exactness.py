"""Which worlds have an exact frontier."""

from typing import Any

from evenhand.data.river_swim import River


def why_not_exact(population: Any) -> str:
    """Why a world has no exact frontier, as a sentence; "" where it has one."""
    if isinstance(population, River):
        return (
            "The frontier is that of lending; the exact optimum of a river is that of: evenhand "
            "group-fair-lp --env RiverSwim-v0."
        )
    if population is None or not hasattr(population, "person"):
        return (
            "How often a person is decided about depends on who has been admitted before, so a "
            "person is no finite problem of their own and no exact frontier is known."
        )
    if population.conscientiousness_std > 0:
        return (
            "Every person has an unseen conscientiousness of their own, a continuous hidden state, "
            "so there is no finite model of a person and no exact frontier; "
            "conscientiousness_std=0 has one."
        )
    return "" if population.num_groups >= 2 else "A frontier compares groups, and there is one."
