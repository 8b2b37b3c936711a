"""What lay between two groups before the first decision, and who a person would be in the other.

The exact numbers need no learner; a flow fitted to sampled people is held against them.

Run: python examples/counterfactual_scores.py [preset]
"""

import sys

import jax.numpy as jnp
import jax.random as jr
import numpy as np

from evenhand.data.population import LendingPopulation
from evenhand.data.presets import PRESETS
from evenhand.supervised.score_flow import gains
from evenhand.supervised.score_flow_fit import fit_score_flow
from evenhand.tabular.baseline import baseline_difference, counterfactual_law


def people_of(population: LendingPopulation, each: int) -> tuple[np.ndarray, np.ndarray]:
    """Levels and groups of `each` sampled people of every group."""
    draw = np.random.default_rng(0)
    law = population.initial / population.initial.sum(1, keepdims=True)
    level = [draw.choice(population.num_levels, each, p=row) for row in law]
    return np.concatenate(level), np.repeat(np.arange(population.num_groups), each)


def main(preset: str = "fico", each: int = 10_000, **options) -> dict[str, float]:
    """The difference G_0 - G_1 in four ways, the standard error of the last, and a distance.

    Exact; of the sampled people; of the flow; and by the flow's counterfactuals of those people.
    """
    population = PRESETS[preset]()
    level, group = people_of(population, each)
    sizes = population.num_levels, population.num_groups
    fit_key, draw_key = jr.split(jr.key(0))
    flow, _ = fit_score_flow(fit_key, level, group, *sizes, **options)

    initial, potential = population.initial, population.potential
    seen = np.stack([np.bincount(level[group == g], minlength=sizes[0]) for g in range(sizes[1])])
    law, exact = np.asarray(flow.law(), float), counterfactual_law(initial)
    reached = np.einsum("gx,ghxy->hy", initial, law) / sizes[1]
    own, other = law[1, 0] * initial[1][:, None], exact[1, 0] * initial[1][:, None]
    drawn = gains(
        flow, draw_key, jnp.asarray(level), jnp.asarray(group), jnp.asarray(potential, jnp.float32)
    )
    return {
        "exact": float(baseline_difference(initial, potential)[0, 1]),
        "sample": float(baseline_difference(seen / each, potential)[0, 1]),
        "flow": float((reached @ potential)[0] - (reached @ potential)[1]),
        "drawn": float(drawn.difference[0, 1]),
        "error": float(drawn.difference_error[0, 1]),
        "elsewhere": float(np.abs(own - other).sum() / 2),
    }


if __name__ == "__main__":
    for name, value in main(*sys.argv[1:]).items():
        print(f"{name:10} {value:+.4f}")
