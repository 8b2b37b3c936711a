"""GradNorm: task weights that make the tasks train at similar rates (Chen et al., ICML 2018)."""

import jax.numpy as jnp
from jaxtyping import Array, Float

TARGETS = ("constant", "mean", "released")
# A weight may become small, never 0 or negative: it would not come back.
_LEAST = 1e-6


def gradnorm_step(
    weights: Float[Array, " M"],
    norms: Float[Array, " M"],
    relative_losses: Float[Array, " M"],
    *,
    alpha: float = 1.0,
    rate: float = 1e-3,
    target: str = "constant",
) -> Float[Array, " M"]:
    """Weights after one step down L_grad = sum |G_t - mean(G) rho_t^alpha|, with sum 1 again.

    `norms` are those of each task's unweighted gradient on the shared parameters, g_t, and
    G_t = w_t g_t (Roy & Ntoutsi 2022, equation 3). `relative_losses` are each task's loss over its
    first one, as in Chen et al.; rho_t is such a loss over their mean. The gradient in w is, with
    s_t = sign(G_t - mean(G) rho_t^alpha),

    - "constant": s_i g_i; the target is held constant, as Chen et al. do;
    - "mean": s_i g_i - g_i / M sum_t s_t rho_t^alpha; the mean is differentiated too;
    - "released": s_i g_i (M - 1) / M - sum_(j != i) s_j g_i / M, of G_t = g_t: what the paper's
      released code computes. It drops rho from the mean's derivative and knows no alpha.

    The weights returned, with sum 1 again, are those of this batch's trunk; the released code uses
    them before that division, which scales the whole trunk's gradient by nearly 1.
    """
    M = len(weights)
    rho = relative_losses / jnp.maximum(jnp.mean(relative_losses), 1e-12)
    pull = rho if target == "released" else rho**alpha
    G = norms if target == "released" else weights * norms
    sign = jnp.sign(G - jnp.mean(G) * pull)
    if target == "constant":
        slope = sign * norms
    elif target == "mean":
        slope = sign * norms - norms / M * jnp.sum(sign * pull)
    else:
        slope = sign * norms - norms / M * jnp.sum(sign)
    moved = jnp.maximum(weights - rate * slope, _LEAST)
    return moved / jnp.sum(moved)
