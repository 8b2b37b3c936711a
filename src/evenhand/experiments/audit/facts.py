"""Every number of an audit, computed once; words, tables and pictures only read it."""

from dataclasses import dataclass

import numpy as np

from evenhand.data.population import LendingPopulation
from evenhand.experiments.audit.conclusions import Conclusion, conclusions
from evenhand.experiments.audit.nearest import Distance, approvals_by_level, distance
from evenhand.experiments.audit.numbers import Course, course
from evenhand.experiments.audit.policy import AuditedPolicy
from evenhand.experiments.audit.similar import Similar, similar
from evenhand.experiments.audit.under import Pair, WorldFacts, under
from evenhand.experiments.audit.worlds import World, alternatives
from evenhand.tabular.frontier import Frontier
from evenhand.tabular.gain_values import gain_values

OWN = "As stated"


@dataclass(frozen=True)
class Audit:
    """What a policy does in a population, exactly, and whether that hangs on assumptions."""

    population: LendingPopulation
    steps: int
    policy: AuditedPolicy
    pair: Pair
    """The two groups that are told first."""
    course: Course
    benefit: np.ndarray
    """`(G, S)` gain of an approval now, compared with a refusal."""
    decisions: np.ndarray
    """`(G, S)` expected decisions at each level over an episode."""
    similar: tuple[Similar, ...]
    """How differently people of two groups with about equal benefit are decided about."""
    distances: tuple[Distance, ...]
    worlds: tuple[WorldFacts, ...]
    """The world as stated, then each with one assumption changed."""
    conclusions: tuple[Conclusion, ...]

    @property
    def own(self) -> WorldFacts:
        """What holds in the world as stated."""
        return self.worlds[0]

    @property
    def groups(self) -> tuple[str, ...]:
        return self.population.groups


def audit(
    population: LendingPopulation,
    policy: AuditedPolicy,
    criteria: tuple[str, ...],
    steps: int | None = None,
    radius: float = 0.02,
    pair: Pair | None = None,
) -> Audit:
    """The audit of a policy; `pair` None tells of the two groups whose gains differ most."""
    steps = population.episode_steps if steps is None else steps
    mdp, table = population.person(steps), policy.table
    stated = World(OWN, "the numbers of the population", "", population)
    worlds = [
        under(world, steps * world.longer, table, criteria)
        for world in (stated, *alternatives(population))
    ]
    if pair is None:
        pair = max(worlds[0].effects, key=lambda two: round(abs(worlds[0].effects[two].C), 9))
    own = worlds[0].numbers
    measured = (distance(Frontier(population, name, steps), mdp, table, own) for name in criteria)
    return Audit(
        population=population,
        steps=steps,
        policy=policy,
        pair=pair,
        course=course(mdp, table, steps),
        benefit=gain_values(mdp, table).benefit,
        decisions=approvals_by_level(mdp, table)[1],
        similar=similar(mdp, table, radius),
        distances=tuple(found for found in measured if found is not None),
        worlds=tuple(worlds),
        conclusions=conclusions(worlds, population.groups, pair),
    )
