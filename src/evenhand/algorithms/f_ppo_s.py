"""F-PPO-S: PPO that flips uncertain actions while it collects experience (Hu et al. 2023)."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from evenhand.algorithms.parts.term import AbstractTerm
from evenhand.algorithms.ppo import PPO
from evenhand.core.errors import InputError
from evenhand.core.policy import AbstractPolicy


class Places(eqx.Module):
    """Where an observation shows the applicant's group, and the gaps after each decision."""

    group: tuple[int, int] = eqx.field(static=True)
    rates: tuple[int, int] = eqx.field(static=True)


class MassagedPolicy(AbstractPolicy):
    """A policy of two actions whose drawn action is flipped where that narrows the recent gap.

    Only where both actions' probabilities are at least `band`; the gaps are those after approving
    and after denying a qualified applicant of this group.
    """

    policy: AbstractPolicy
    places: Places = eqx.field(static=True)
    band: Float[Array, ""]

    def act(self, key, obs):
        action = self.policy.act(key, obs)
        return jnp.where(self.flips(obs)[action], 1 - action, action).astype(jnp.int32)

    def log_prob(self, obs, action):
        prob, flips = self._probs(obs), self.flips(obs)
        kept = jnp.where(flips[action], 0.0, prob[action])
        return jnp.log(kept + jnp.where(flips[1 - action], prob[1 - action], 0.0))

    def flips(self, obs: Float[Array, " obs"]) -> Bool[Array, " 2"]:
        """Whether a drawn denial, and a drawn approval, would be flipped."""
        if_approved, if_denied = self._gaps(obs)
        uncertain = jnp.min(self._probs(obs)) >= self.band
        return uncertain & jnp.stack([if_approved < if_denied, if_denied < if_approved])

    def _gaps(self, obs):
        """The gap with this applicant approved, and denied, if they qualify."""
        start, stop = self.places.group
        group = jnp.argmax(obs[start:stop])
        start, stop = self.places.rates
        gaps = obs[start:stop].reshape(3, -1)[:, group]
        return gaps[1], gaps[2]

    def _probs(self, obs):
        return jnp.exp(jnp.stack([self.policy.log_prob(obs, jnp.int32(a)) for a in (0, 1)]))


class ActionMassaging(AbstractTerm):
    """While collecting, flips a drawn action of probability within [theta, 1 - theta].

    It is flipped where the gap of true positive rates among the last `window` applicants would be
    smaller with the other action. In iterations of the original,

        theta = 0.5 shrink^(iteration - first_iteration), from iteration > first_iteration on,

    so more and more certain actions become open to it; iteration = iterations_per_update * update.
    What is deployed is the network's own policy. **Optimises** the return under the massaged
    behaviour, taken for the policy's own: neither SER nor ESR. **Assumes** that labels of the
    rejected are known, two actions, and batches of about 1,024 decisions: the original's rollouts
    are 2,048, hence 0.5; set num_envs * num_steps / 2048 otherwise. **Logged**: what PPO logs.
    **Source**: Hu, Lear & Zhang 2023, F-PPO-S, schedule as in the authors' code for F-PPO.
    **Deviations**: the label is not known when deciding, so the applicant is taken to qualify;
    theirs looks at the label, and flips every action about an applicant who would default, which
    moves no rate. Ties are left alone for the same reason. PPO takes the log-probability of the
    executed action under the network, as theirs does, so importance ratios ignore the massaging.
    Their released configuration sets theta to 0 for F-PPO-S and uses the schedule for F-PPO only.
    More than two groups take the largest pairwise gap. The network also sees, of `recent-rates-W`,
    the gaps after either decision, which theirs does not.
    """

    window: int = eqx.field(static=True, default=300)
    first_iteration: float = 17.0
    shrink: float = 0.985
    iterations_per_update: float = 0.5

    @property
    def reads(self):
        return ("group", f"recent-rates-{self.window}")

    def init(self, key, env, width):
        if env.num_actions != 2:
            raise InputError(
                f"massaging flips between two actions; this world has {env.num_actions}"
            )
        group, rates = (env.slices[name] for name in self.reads)
        return Places((group.start, group.stop), (rates.start, rates.stop))

    def behaviour(self, env_update, memory, policy):
        return MassagedPolicy(policy, memory, self.band(env_update))

    def band(self, update: Any) -> Float[Array, ""]:
        """theta at this update; more than 1 before the first, so that nothing is flipped."""
        iteration = jnp.asarray(update, jnp.float32) * self.iterations_per_update
        past = iteration - self.first_iteration
        return jnp.where(past > 0, 0.5 * self.shrink ** jnp.maximum(past, 0.0), 2.0)


def f_ppo_s(**options: Any) -> PPO:
    """PPO that massages actions while collecting; `options` are PPO's fields."""
    chosen: dict[str, Any] = {"term": ActionMassaging()} | options
    return PPO(**chosen)
