"""Stable-Baselines3 models as policies of ours; neither it nor torch is imported."""

from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from evenhand.core.environment import AbstractEnvironment
from evenhand.core.errors import InputError
from evenhand.core.policy import AbstractPolicy, CategoricalPolicy

_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "Identity": lambda x: x,
    "Tanh": jnp.tanh,
    "ReLU": jax.nn.relu,
    "ELU": jax.nn.elu,
    "LeakyReLU": jax.nn.leaky_relu,
    "Sigmoid": jax.nn.sigmoid,
}


class LayerStack(eqx.Module):
    """A fully connected network copied from elsewhere: products, biases and activations."""

    weights: list[Array]
    biases: list[Array]
    activations: tuple[str, ...] = eqx.field(static=True)

    def __call__(self, obs: Array) -> Array:
        for weight, bias, name in zip(self.weights, self.biases, self.activations, strict=True):
            obs = _ACTIVATIONS[name](obs @ weight + bias)
        return obs


def sb3_policy(model: Any, env: AbstractEnvironment) -> AbstractPolicy:
    """The policy of a Stable-Baselines3 model (PPO, A2C, DQN), fit for `evaluate`.

    The weights are copied, so the result is compiled with the world and stays what the model was
    at this moment. PPO's and A2C's policy is stochastic, DQN's greedy.
    """
    policy = model.policy
    on_values = getattr(policy, "q_net", None)
    if on_values is not None:
        layers = list(on_values.q_net)
    elif getattr(policy, "action_net", None) is not None and hasattr(policy, "mlp_extractor"):
        layers = [*policy.mlp_extractor.policy_net, policy.action_net]
    else:
        raise InputError(f"{type(model).__name__} has no categorical policy; use PPO, A2C or DQN")
    extractor = policy.features_extractor if on_values is None else on_values.features_extractor
    if type(extractor).__name__ != "FlattenExtractor":
        raise InputError("only MlpPolicy models can be copied, not ones with another extractor")
    network = _copy_layers(layers)
    sizes = network.weights[0].shape[0], network.weights[-1].shape[1]
    if sizes != (env.obs_size, env.num_actions):
        raise InputError(
            f"the model maps {sizes[0]} numbers to {sizes[1]} actions, the world has "
            f"{env.obs_size} and {env.num_actions}; choose the features the model was trained on"
        )
    return CategoricalPolicy(network, greedy=on_values is not None)


def _copy_layers(layers: Sequence[Any]) -> LayerStack:
    """Linear layers, each with the activation that follows it, from torch modules."""
    weights, biases, activations = [], [], []
    for layer in layers:
        name = type(layer).__name__
        if name == "Linear":
            weights.append(jnp.asarray(layer.weight.detach().cpu().numpy().T))
            biases.append(jnp.asarray(layer.bias.detach().cpu().numpy()))
            activations.append("Identity")
        elif name in _ACTIVATIONS and activations:
            activations[-1] = name
        else:
            raise InputError(f"layer {name} is not known; known: Linear, {', '.join(_ACTIVATIONS)}")
    return LayerStack(weights, biases, tuple(activations))
