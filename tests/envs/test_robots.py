"""Groups of robots against Gymnasium's own robots, and against one another."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium", reason="needs gymnasium (evenhand[robots])")
mujoco = pytest.importorskip("mujoco", reason="needs mujoco (evenhand[robots])")

from gymnasium.utils.env_checker import check_env  # noqa: E402

import evenhand.envs.adapters  # noqa: E402, F401
from evenhand.core.errors import InputError  # noqa: E402
from evenhand.envs.robots.model import load_model, model_xml  # noqa: E402
from evenhand.envs.robots.robot import ROBOTS  # noqa: E402
from evenhand.envs.robots.task import TASKS  # noqa: E402
from evenhand.envs.robots.world import robot_world  # noqa: E402

BOTH, LIMIT = ("forward", "backward"), 120
GROUPS = [(robot, group) for robot in ROBOTS for group in ROBOTS[robot].groups]


@pytest.fixture(autouse=True)
def _log_elsewhere(tmp_path, monkeypatch):
    # Gymnasium's way of loading a model lets MuJoCo write a log into the current folder.
    monkeypatch.chdir(tmp_path)


def size(model, name):
    return model.geom(name).size.copy()


def differing_fields(one, other):
    names = [name for name in dir(one) if isinstance(getattr(one, name), np.ndarray)]
    assert len(names) > 200
    found = {name for name in names if not np.array_equal(getattr(one, name), getattr(other, name))}
    numbers = [name for name in dir(one.opt) if not name.startswith("_")]
    return found | {
        f"opt.{name}"
        for name in numbers
        if not np.array_equal(getattr(one.opt, name), getattr(other.opt, name))
    }


def test_the_half_cheetahs_have_the_numbers_of_the_predecessor_s_files():
    stock = load_model("HalfCheetah", "default")
    floor_and_body = np.tile([0.4, 0.1, 0.1], (stock.ngeom, 1))
    feet = {"default": 1.0, "BigFoot": 2.0, "SmallFoot": 0.5}
    gravity = {"HugeGravity": -14.715, "SmallGravity": -7.3575}
    for group in ROBOTS["HalfCheetah"].groups:
        model = load_model("HalfCheetah", group)
        factor = feet.get(group, 1.0)
        np.testing.assert_array_equal(size(model, "bfoot")[:2], [0.046 * factor, 0.094 * factor])
        np.testing.assert_array_equal(size(model, "ffoot")[:2], [0.046 * factor, 0.07 * factor])
        np.testing.assert_array_equal(model.opt.gravity, [0, 0, gravity.get(group, -9.81)])
        friction = floor_and_body * (10.0 if group == "TenFriction" else 1.0)
        np.testing.assert_array_equal(model.geom_friction, friction)
        assert model.body_mass.sum() == pytest.approx(14.0, rel=1e-14)
        assert model.opt.timestep == 0.01
        for part in ("torso", "head", "bthigh", "bshin", "fthigh", "fshin", "floor"):
            np.testing.assert_array_equal(size(model, part), size(stock, part))


def test_gravity_and_friction_change_nothing_else_in_the_model():
    for robot, group in GROUPS:
        edit, stock = ROBOTS[robot].groups[group], load_model(robot, "default")
        found = differing_fields(stock, load_model(robot, group))
        if not edit.sizes:
            wanted = {"opt.gravity"} if edit.gravity else set()
            assert found == wanted | ({"geom_friction"} if edit.friction != 1 else set())


@pytest.mark.parametrize(("robot", "group"), [pair for pair in GROUPS if "Foot" in pair[1]])
def test_bigger_feet_are_the_stock_robot_s_with_other_sizes_before_compilation(robot, group):
    stock, model = load_model(robot, "default"), load_model(robot, group)
    edit = ROBOTS[robot].groups[group]
    spec = mujoco.MjSpec.from_string(model_xml(robot, "default"))
    for name, factor in edit.sizes.items():
        spec.geom(name).size = spec.geom(name).size * factor
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*settotalmass")
        assert differing_fields(spec.compile(), model) == set()
    changed = {
        model.geom(i).name
        for i in range(model.ngeom)
        if not np.array_equal(model.geom_size[i], stock.geom_size[i])
    }
    assert changed == set(edit.sizes)
    found = differing_fields(stock, model)
    assert not found & {"geom_friction", "geom_pos", "geom_quat", "jnt_range", "dof_damping"}
    assert not found & {"body_pos", "actuator_gear", "opt.gravity", "qpos0", "geom_contype"}


def edited_at_run_time(robot, group):
    """Gymnasium's own environment, its compiled model changed in place."""
    env = gymnasium.make(f"{robot}-v5", max_episode_steps=LIMIT)
    edit, model = ROBOTS[robot].groups[group], env.unwrapped.model
    if edit.gravity is not None:
        model.opt.gravity[2] = edit.gravity
    model.geom_friction[:] *= edit.friction
    return env


@pytest.mark.parametrize(("robot", "group"), [pair for pair in GROUPS if "Foot" not in pair[1]])
def test_a_column_takes_gymnasium_s_own_path_through_falls_and_time_limits(robot, group):
    theirs = edited_at_run_time(robot, group)
    ours = robot_world(robot, (group,), BOTH, episode_steps=LIMIT)
    rng, episodes = np.random.default_rng(0), 0
    ours.reset(6)
    first, _ = theirs.reset(seed=7)
    np.testing.assert_array_equal(ours.running.obs[1], first)
    for _ in range(2 * LIMIT + 20):
        actions = rng.uniform(*ours.action_bounds, (2, ours.action_size))
        done = ours.advance(actions)
        obs, reward, terminated, truncated, info = theirs.step(actions[1])
        np.testing.assert_array_equal(done.successor[1], obs)
        np.testing.assert_allclose(done.rewards[1, 0], reward, rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(done.velocity[1], info["x_velocity"], rtol=1e-10, atol=1e-12)
        assert (done.terminated[1], done.truncated[1]) == (terminated, truncated)
        if terminated or truncated:
            obs, _ = theirs.reset()
            episodes += 1
        np.testing.assert_array_equal(done.obs[1], obs)
    assert episodes > 1


@pytest.mark.parametrize("robot", ROBOTS)
def test_every_column_is_the_single_environment_of_its_group_and_task(robot):
    groups, tasks = tuple(ROBOTS[robot].groups), tuple(TASKS)
    world = robot_world(robot, groups, tasks, task_code=True, episode_steps=20, num_threads=2)
    singles = [
        gymnasium.make(
            f"evenhand/{robot}Groups-v0", group=group, task=task, task_code=True,
            episode_steps=20, disable_env_checker=True,
        )
        for group in groups for task in tasks
    ]  # fmt: skip
    first = world.reset(3)
    for i, env in enumerate(singles):
        np.testing.assert_array_equal(first[i], env.reset(seed=3 + i)[0].astype(np.float32))
    rng = np.random.default_rng(1)
    for _ in range(25):
        actions = rng.uniform(*world.action_bounds, (world.num_envs, world.action_size))
        obs, step = world.step(actions)
        for i, env in enumerate(singles):
            seen, reward, terminated, truncated, info = env.step(actions[i])
            np.testing.assert_array_equal(step.successor[i], seen.astype(np.float32))
            rewards = np.array([info[task] for task in tasks])
            np.testing.assert_array_equal(step.rewards[i], rewards.astype(np.float32))
            assert reward == rewards[world.column_task[i]]
            assert info["group"] == step.outcome.group[i] == world.column_group[i]
            assert info["group_name"] == groups[info["group"]]
            assert (step.terminated[i], step.truncated[i]) == (terminated, truncated)
            if terminated or truncated:
                seen, _ = env.reset()
            np.testing.assert_array_equal(obs[i], seen.astype(np.float32))


def played(world, seed, steps=30):
    rng = np.random.default_rng(5)
    first = world.reset(seed)
    rows = [world.advance(rng.uniform(-1, 1, (world.num_envs, world.action_size)))
            for _ in range(steps)]  # fmt: skip
    return first, np.stack([row.obs for row in rows]), np.stack([row.rewards for row in rows])


def test_the_same_seed_gives_the_same_paths_with_any_number_of_threads():
    worlds = [robot_world("Hopper", copies=2, num_threads=threads) for threads in (1, 2, 3)]
    one, *others = [played(world, 4) for world in (*worlds, worlds[0])]
    for other in others:
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)
    assert not np.array_equal(one[0], played(worlds[0], 5)[0])
    # Neighbouring columns of one group differ as well: each has noise of its own.
    assert len(np.unique(one[0], axis=0)) == len(one[0])


def test_the_reward_of_every_task_is_its_pay_for_speed_less_the_same_costs():
    world = robot_world("HalfCheetah", ("default",), tuple(TASKS), columns=[("default", "forward")])
    world.reset(0)
    data = world.running.columns.data[0]
    rng, before = np.random.default_rng(2), data.qpos[0]
    for _ in range(40):
        action = rng.uniform(-1, 1, (1, 6))
        paid = world.advance(action).rewards[0] + 0.1 * (action**2).sum()
        v = (data.qpos[0] - before) / 0.05
        before = data.qpos[0]
        wanted = [v, -v, 0.3 - abs(v - 0.3), 0.3 - 0.6 * abs(v - 0.5)]
        np.testing.assert_allclose(paid, wanted, rtol=1e-12, atol=1e-12)


def test_the_task_s_code_stands_behind_the_observation_and_changes_nothing():
    coded, plain = (robot_world(copies=2, task_code=code) for code in (True, False))
    (_, seen, rewards), (_, bare, same) = played(coded, 1), played(plain, 1)
    np.testing.assert_array_equal(seen[..., :17], bare)
    np.testing.assert_array_equal(rewards, same)
    np.testing.assert_array_equal(seen[..., 17:], np.tile(np.eye(2)[[0, 0, 1, 1] * 2], (30, 1, 1)))
    assert coded.column_group == (0, 0, 0, 0, 1, 1, 1, 1)


def test_columns_of_one_group_keep_the_numbers_of_all_groups():
    pairs = [("BigFoot", task) for task in BOTH]
    some, every = robot_world(columns=pairs), robot_world()
    assert (some.num_envs, some.num_groups, some.column_group) == (2, 2, (1, 1))
    _, alone, _ = played(some, 2)
    every.reset(0)
    rng = np.random.default_rng(5)
    actions = np.stack([rng.uniform(-1, 1, (2, 6)) for _ in range(30)])
    among = [every.advance(np.concatenate([action, action])).obs for action in actions]
    np.testing.assert_array_equal(alone, np.stack(among)[:, 2:])


def test_without_automatic_reset_a_robot_rests_with_weight_0_after_its_end():
    world = robot_world("Hopper", ("default",), auto_reset=False, episode_steps=60)
    world.reset(0)
    over, last = np.zeros(2, bool), None
    for _ in range(62):
        actions = np.random.default_rng(3).uniform(-1, 1, (2, 3))
        obs, step = world.step(actions)
        np.testing.assert_array_equal(step.outcome.weight, 1.0 - over)
        assert not np.asarray(step.rewards)[over].any()
        assert not (np.asarray(step.terminated) & over).any()
        if last is not None:
            np.testing.assert_array_equal(obs[over], last[over])
        np.testing.assert_array_equal(obs, step.successor)
        over, last = over | np.asarray(step.terminated | step.truncated), obs
    assert over.all()
    world.reset(0)
    np.testing.assert_array_equal(world.step(np.zeros((2, 3)))[1].outcome.weight, [1, 1])


def test_the_time_limit_counts_each_column_s_own_steps():
    world = robot_world("Hopper", ("default",), episode_steps=40)
    world.reset(0)
    rng, age, cuts = np.random.default_rng(0), np.zeros(2, int), 0
    for _ in range(300):
        done = world.advance(0.2 * rng.uniform(-1, 1, (2, 3)))
        age += 1
        np.testing.assert_array_equal(done.truncated, (age >= 40) & ~done.terminated)
        ended = done.truncated | done.terminated
        assert (done.obs != done.successor).any(axis=1)[ended].all()
        np.testing.assert_array_equal(done.obs[~ended], done.successor[~ended])
        age[ended] = 0
        cuts += done.truncated.sum()
    assert cuts > 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"robot": "HalfChetah"}, "no robot 'HalfChetah'; did you mean 'HalfCheetah'"),
        ({"groups": ("default", "Bigfoot")}, "no group of HalfCheetah 'Bigfoot'; did you mean"),
        ({"tasks": ("foward",)}, "no task 'foward'; did you mean 'forward'"),
        ({"groups": ("BigFoot", "BigFoot")}, "named twice"),
        ({"groups": ()}, "at least one group"),
        ({"columns": [("TenFriction", "forward")]}, "no group of this world 'TenFriction'"),
        ({"columns": [("default", "slow-walk")]}, "no task of this world 'slow-walk'"),
        ({"copies": 0}, "copies must be at least 1, got 0"),
        ({"episode_steps": 0}, "episode_steps must be at least 1"),
    ],
)
def test_a_world_that_cannot_be_is_answered_with_a_sentence(options, sentence):
    with pytest.raises(InputError, match=sentence):
        robot_world(**options)


def test_actions_that_cannot_be_played_are_answered_with_a_sentence():
    world = robot_world()
    with pytest.raises(InputError, match="call reset"):
        world.step(np.zeros((4, 6)))
    world.reset(0)
    with pytest.raises(InputError, match=r"shape \(4, 5\); give one of \(4, 6\)"):
        world.step(np.zeros((4, 5)))
    actions = np.zeros((4, 6))
    actions[2, 1] = np.nan
    with pytest.raises(InputError, match=r"columns \[2\] are not finite"):
        world.step(actions)


@pytest.mark.parametrize("robot", ROBOTS)
def test_gymnasium_s_own_checker_accepts_the_robots(robot):

    env = gymnasium.make(f"evenhand/{robot}Groups-v0", group="HugeGravity", task="backward")
    with pytest.warns() as said:
        check_env(env.unwrapped, skip_render_check=True)
    # The stock robots earn the same two remarks.
    known = ("infinity", "not normalized", "symmetric and normalized")
    assert [str(w.message) for w in said if not any(k in str(w.message) for k in known)] == []
    assert env.unwrapped.world.episode_steps == 1000


def run(code, **options):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, **options)


def test_names_are_registered_without_mujoco_and_its_absence_is_one_sentence():
    code = (
        "import sys; sys.modules['mujoco'] = None\n"
        "import evenhand, gymnasium, evenhand.envs.adapters\n"
        "assert 'evenhand/AntGroups-v0' in gymnasium.registry\n"
        "from evenhand.core.errors import InputError\n"
        "try: gymnasium.make('evenhand/AntGroups-v0')\n"
        "except InputError as error: print(error)\n"
    )
    done = run(code)
    assert done.stdout.strip() == "MuJoCo is not installed; try: pip install 'evenhand[robots]'"


def test_a_picture_shows_the_group_s_body():
    code = (
        "import numpy as np\n"
        "from evenhand.envs.robots.gymnasium_robot import RobotEnv\n"
        "frames = []\n"
        "for group in ('default', 'BigFoot'):\n"
        "    env = RobotEnv('HalfCheetah', group, render_mode='rgb_array')\n"
        "    env.reset(seed=0)\n"
        "    frames.append(env.render())\n"
        "    env.close()\n"
        "assert frames[0].shape == (240, 320, 3)\n"
        "print(np.any(frames[0] != frames[1], axis=-1).sum())\n"
    )
    done = run(code, env=os.environ | {"MUJOCO_GL": "egl"})
    if done.returncode:
        pytest.skip(f"no picture without a display here: {done.stderr.strip()[-100:]}")
    assert 200 < int(done.stdout) < 240 * 320 / 2
