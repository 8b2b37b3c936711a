"""Hypothesis strategies for the library's objects; hypothesis is imported only when one is made.

Sizes come from short lists: every new shape is a compilation.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from evenhand.data.population import LendingPopulation
from evenhand.tabular.mdp import TabularMDP

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from evenhand.core.environment import Outcome


def laws(*shape: int) -> "SearchStrategy[np.ndarray]":
    """Arrays whose last axis is a distribution with no zero."""
    return _numbers(shape).map(lambda a: (a + 0.01) / (a + 0.01).sum(-1, keepdims=True))


def _numbers(shape: tuple[int, ...], low: float = 0.0, high: float = 1.0) -> Any:
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp

    # Hundredths shrink to readable counterexamples.
    hundredths = st.integers(round(100 * low), round(100 * high))
    return hnp.arrays(np.int64, shape, elements=hundredths).map(lambda a: a / 100)


def tabular_mdps(
    num_groups: tuple[int, ...] = (1, 2),
    num_states: tuple[int, ...] = (2, 3),
    num_actions: tuple[int, ...] = (2,),
    num_signals: tuple[int, ...] = (1, 2),
    horizons: tuple[int | None, ...] = (None, 4),
) -> "SearchStrategy[TabularMDP]":
    """Finite problems; without a horizon they are discounted by 0.5..0.95, with one not at all.

    With a horizon, half of them have falling stage weights.
    """
    from hypothesis import strategies as st

    @st.composite
    def mdps(draw: Any) -> TabularMDP:
        G, S, A, M = (
            draw(st.sampled_from(n)) for n in (num_groups, num_states, num_actions, num_signals)
        )
        horizon = draw(st.sampled_from(horizons))
        weight = None
        if horizon is not None and draw(st.booleans()):
            weight = np.sort(draw(_numbers((horizon,))))[::-1].copy()
        return TabularMDP(
            transition=draw(laws(G, S, A, S)),
            rewards=draw(_numbers((G, S, A, M), -1.0, 1.0)),
            initial=draw(laws(G, S)),
            group_size=draw(_numbers((G,), 0.5, 3.0)),
            discount=draw(st.sampled_from((0.5, 0.9, 0.95))) if horizon is None else 1.0,
            horizon=horizon,
            stage_weight=weight,
            signals=tuple(f"signal {m}" for m in range(M)),
        )

    return mdps()


def lending_populations(
    num_groups: tuple[int, ...] = (2, 3),
    num_levels: tuple[int, ...] = (3, 5),
    sizes: tuple[int, ...] = (5, 20),
    episode_steps: int = 200,
) -> "SearchStrategy[LendingPopulation]":
    """Small lending worlds in which repayment never falls with the level; half of them drift."""
    from hypothesis import strategies as st

    @st.composite
    def populations(draw: Any) -> LendingPopulation:
        G, K = draw(st.sampled_from(num_groups)), draw(st.sampled_from(num_levels))
        moves = st.tuples(*[st.integers(1, 2)] * G)
        return LendingPopulation(
            name="drawn",
            groups=tuple(f"group {g + 1}" for g in range(G)),
            initial=draw(laws(G, K)),
            repay_prob=np.sort(draw(_numbers((G, K))), axis=1),
            population_per_group=draw(st.tuples(*[st.sampled_from(sizes)] * G)),
            reward_repaid=draw(st.sampled_from((0.1, 1.0))),
            reward_default=draw(st.sampled_from((-1.0, -4.0))),
            up=draw(moves),
            down=draw(moves),
            drift=draw(laws(3, G, 3)) if draw(st.booleans()) else None,
            episode_steps=episode_steps,
        )

    return populations()


def outcomes(
    num_groups: int = 2, num_people: int = 6, lengths: tuple[int, ...] = (1, 12)
) -> "SearchStrategy[Outcome]":
    """Outcomes `(n,)` of binary decisions about people numbered group by group; weights 0 or 1."""
    from hypothesis import strategies as st
    from hypothesis.extra import numpy as hnp

    @st.composite
    def drawn(draw: Any) -> "Outcome":
        import jax.numpy as jnp

        from evenhand.core.environment import Outcome

        length = draw(st.sampled_from(lengths))

        def whole(top: int) -> np.ndarray:
            return draw(hnp.arrays(np.int32, length, elements=st.integers(0, top)))

        person = whole(num_people - 1)
        return Outcome(
            group=jnp.asarray(person * num_groups // num_people, jnp.int32),
            person=jnp.asarray(person),
            decision=jnp.asarray(whole(1)),
            label=jnp.asarray(whole(1)),
            weight=jnp.asarray(whole(1), jnp.float32),
        )

    return drawn()
