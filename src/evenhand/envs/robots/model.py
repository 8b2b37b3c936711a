"""The model of one group of robots: Gymnasium's own file, edited when it is loaded."""

import warnings
import xml.etree.ElementTree as ElementTree
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from evenhand.core.errors import InputError, unknown_name
from evenhand.envs.robots.robot import ROBOTS, Group, Robot

try:
    import mujoco as _mujoco
except ModuleNotFoundError as missing:
    raise InputError("MuJoCo is not installed; try: pip install 'evenhand[robots]'") from missing

mujoco: Any = _mujoco  # its compiled functions have no types that a checker finds


def find_robot(name: str) -> Robot:
    """The robot of this name."""
    if name not in ROBOTS:
        raise unknown_name("robot", name, ROBOTS)
    return ROBOTS[name]


def find_group(robot: str, name: str) -> Group:
    """The group of this name among the groups of a robot."""
    groups = find_robot(robot).groups
    if name not in groups:
        raise unknown_name(f"group of {robot}", name, groups)
    return groups[name]


def model_xml(robot: str, group: str) -> str:
    """The text of a group's model.

    Sizes are edited before compilation, since masses and inertias follow from them (in the
    HalfCheetah the compiler then scales all masses to 14 in total).
    """
    edit = find_group(robot, group)
    root = ElementTree.fromstring(_stock_file(ROBOTS[robot].file).read_text())
    if edit.gravity is not None:
        _one(root, "option").set("gravity", f"0 0 {edit.gravity!r}")
    if edit.friction != 1.0:
        _scale(_one(root, "default/geom"), "friction", edit.friction)
    for name, factor in edit.sizes.items():
        _scale(_one(root, f"worldbody//geom[@name='{name}']"), "size", factor)
    return ElementTree.tostring(root, encoding="unicode")


@lru_cache(maxsize=32)
def load_model(robot: str, group: str) -> Any:
    """The compiled `mujoco.MjModel` of a group; worlds share it, so nobody may change it."""
    # By way of MjSpec: what the compiler has to say comes as a Python warning, not as a log file in
    # the current folder. It says that the stock HalfCheetah's `settotalmass` will go one day.
    spec = mujoco.MjSpec.from_string(model_xml(robot, group))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*settotalmass")
        return spec.compile()


def _stock_file(name: str) -> Path:
    # The package is looked up, not imported: its robots would ask for packages that draw.
    found = find_spec("gymnasium")
    if found is None or found.origin is None:
        raise InputError("Gymnasium is not installed; try: pip install 'evenhand[robots]'")
    file = Path(found.origin).parent / "envs" / "mujoco" / "assets" / name
    if not file.is_file():
        raise InputError(f"this Gymnasium has no model file {name}; try: pip install -U gymnasium")
    return file


def _one(root: ElementTree.Element, path: str) -> ElementTree.Element:
    found = root.findall(path)
    if len(found) != 1:
        raise InputError(
            f"Gymnasium's model has {len(found)} elements {path!r} where one was expected; "
            "use the version of Gymnasium in requirements.lock"
        )
    return found[0]


def _scale(element: ElementTree.Element, attribute: str, factor: float) -> None:
    numbers = [float(x) * factor for x in element.get(attribute, "").split()]
    element.set(attribute, " ".join(map(repr, numbers)))
