"""What each robot is: numbers of Gymnasium's version 5 robots, and the groups made of them.

Facts only: nothing here needs MuJoCo. The model file itself is read from the installed Gymnasium
and edited when it is loaded, so a group is exactly the stock robot but for what stands here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

HUGE_GRAVITY, SMALL_GRAVITY = -14.715, -7.3575  # 1.5 and 0.75 times -9.81


@dataclass(frozen=True)
class Group:
    """How a group's body differs: gravity, the default friction times a factor, sizes likewise.

    `sizes` maps the name of a geometry to the factor of every number of its size; a capsule drawn
    from one point to another has a radius only, and keeps its length.
    """

    gravity: float | None = None
    friction: float = 1.0
    sizes: Mapping[str, float] = field(default_factory=dict)


def never_falls(
    qpos: Float[np.ndarray, "N nq"], qvel: Float[np.ndarray, "N nv"]
) -> Bool[np.ndarray, " N"]:
    """True for every robot: the HalfCheetah has no state that ends an episode."""
    return np.ones(len(qpos), bool)


def hopper_stands(
    qpos: Float[np.ndarray, "N nq"], qvel: Float[np.ndarray, "N nv"]
) -> Bool[np.ndarray, " N"]:
    """Whether height, angle and all other coordinates are within Hopper-v5's healthy ranges."""
    others = np.concatenate([qpos[:, 2:], qvel], axis=1)
    upright = (qpos[:, 1] > 0.7) & (np.abs(qpos[:, 2]) < 0.2)
    return upright & (np.abs(others) < 100.0).all(axis=1)


def ant_stands(
    qpos: Float[np.ndarray, "N nq"], qvel: Float[np.ndarray, "N nv"]
) -> Bool[np.ndarray, " N"]:
    """Whether the torso is between 0.2 and 1 and every coordinate finite, as in Ant-v5."""
    finite = np.isfinite(qpos).all(axis=1) & np.isfinite(qvel).all(axis=1)
    return finite & (qpos[:, 2] >= 0.2) & (qpos[:, 2] <= 1.0)


def humanoid_stands(
    qpos: Float[np.ndarray, "N nq"], qvel: Float[np.ndarray, "N nv"]
) -> Bool[np.ndarray, " N"]:
    """Whether the torso's height is between 1 and 2, as in Humanoid-v5."""
    return (qpos[:, 2] > 1.0) & (qpos[:, 2] < 2.0)


@dataclass(frozen=True)
class Robot:
    """One kind of robot: its stock file, its reward's weights, what it shows, and its groups.

    `place` says where the robot is when its speed is taken: coordinate 0 (`qpos`), the torso
    (`xpos`) or the centre of mass (`xipos`). `shown` are the fields of MuJoCo's data that are
    observed after positions and speeds, each with the first row (or number) that is shown.
    """

    file: str
    groups: Mapping[str, Group]
    frame_skip: int = 5
    hidden: int = 1
    place: str = "qpos"
    shown: tuple[tuple[str, int], ...] = ()
    speed_limit: float = np.inf
    forward_weight: float = 1.0
    ctrl_weight: float = 0.1
    contact_weight: float = 0.0
    force_limit: float = np.inf
    contact_cost_max: float = np.inf
    healthy_reward: float = 0.0
    stands: Callable = never_falls
    reset_noise: float = 0.1
    normal_speed_noise: bool = True

    @property
    def feels_contact(self) -> bool:
        """Whether contact forces are part of the reward and the observation."""
        return self.contact_weight > 0


def _feet(names: tuple[str, ...], factor: float) -> Group:
    return Group(sizes=dict.fromkeys(names, factor))


_CHEETAH_FEET = ("bfoot", "ffoot")
_ANKLES = ("left_ankle_geom", "right_ankle_geom", "third_ankle_geom", "fourth_ankle_geom")

ROBOTS: dict[str, Robot] = {
    "Ant": Robot(
        "ant.xml",
        {
            "default": Group(),
            "BigFoot": _feet(_ANKLES, 2.0),
            "HugeGravity": Group(gravity=HUGE_GRAVITY),
        },
        hidden=2,
        place="xpos",
        shown=(("cfrc_ext", 1),),
        ctrl_weight=0.5,
        contact_weight=5e-4,
        force_limit=1.0,
        healthy_reward=1.0,
        stands=ant_stands,
    ),
    "HalfCheetah": Robot(
        "half_cheetah.xml",
        {
            "default": Group(),
            "BigFoot": _feet(_CHEETAH_FEET, 2.0),
            "HugeGravity": Group(gravity=HUGE_GRAVITY),
            "TenFriction": Group(friction=10.0),
            "SmallFoot": _feet(_CHEETAH_FEET, 0.5),
            "SmallGravity": Group(gravity=SMALL_GRAVITY),
        },
    ),
    "Hopper": Robot(
        "hopper.xml",
        {
            "default": Group(),
            "BigFoot": _feet(("foot_geom",), 2.0),
            "HugeGravity": Group(gravity=HUGE_GRAVITY),
        },
        frame_skip=4,
        speed_limit=10.0,
        ctrl_weight=1e-3,
        healthy_reward=1.0,
        stands=hopper_stands,
        reset_noise=5e-3,
        normal_speed_noise=False,
    ),
    "Humanoid": Robot(
        "humanoid.xml",
        {"default": Group(), "HugeGravity": Group(gravity=HUGE_GRAVITY)},
        hidden=2,
        place="xipos",
        shown=(("cinert", 1), ("cvel", 1), ("qfrc_actuator", 6), ("cfrc_ext", 1)),
        forward_weight=1.25,
        contact_weight=5e-7,
        contact_cost_max=10.0,
        healthy_reward=5.0,
        stands=humanoid_stands,
        reset_noise=1e-2,
        normal_speed_noise=False,
    ),
}
