"""What cannot be used is refused in one sentence, with exit code 2, before anything is written."""

import pytest

from evenhand.cli import main
from evenhand.data.params_file import write_params
from evenhand.data.presets import gym

LINES = [
    ("compare --algorithms pppo", "no algorithm or policy 'pppo'; did you mean 'ppo'"),
    ("compare --algorithms= --policies=", "no methods to compare"),
    ("compare --algorithms ppo,ppo", "'ppo' is named twice"),
    ("compare --policies threshold:99", "from 0 to 7"),
    ("compare --policies constant:nan", "finite number, got 'nan'"),
    ("compare --seeds -1", "seeds must be at least 1, got -1"),
    ("compare --seeds 99999999999999", "2^32"),
    ("compare --first-seed -3", "first_seed=-3"),
    ("compare --steps 0", "steps must be at least 1, got 0"),
    ("compare --steps 99999999999", "at most 2,000,000,000"),
    ("compare --episodes 0", "episodes must be at least 1"),
    ("compare --episodes 100000000", "decisions to keep in memory"),
    ("compare --evaluation-steps 0", "evaluation_steps must be at least 1"),
    ("compare --frontier-points 1", "2 to 1000"),
    ("compare --policy-class tim", "did you mean 'time'?"),
    ("compare --features nonsense", "'nonsense'"),
    ("compare --features group", "show no score"),
    ("compare --features group,group", "named twice"),
    ("compare --features score-onehot,group,history-999999999", "at most 100,000"),
    ("compare --name a/b", "'a/b'"),
    ("compare --name=..", "'..'"),
    ("compare --out a_file", "is a file"),
    ("compare --out a_file/x", "choose another folder with --out"),
    ("compare --seed-mode vmapp", "did you mean 'vmap'"),
    ("compare --env Lending", "did you mean 'Lending-v0'?"),
    ("compare --preset fico --groups white", "compare is about groups"),
    ("compare --preset fico --groups white,white", "'white' is named twice"),
    ("compare --params nowhere.toml", "nowhere.toml cannot be read"),
    ("compare --params a_folder", "Is a directory"),
    ("compare --params typo.toml", "did you mean 'repay_prob'?"),
    ("compare --policies a_folder.csv", "Is a directory"),
    ("compare --policies empty.csv", "lacks column 'group'"),
    ("compare --policies short.csv", "says nothing of group group 1, level 0"),
    (
        "compare --policies card.joblib",
        "card.joblib is a pickle, and loading a pickle runs any code",
    ),
    ("compare --policies card.joblib --allow-pickle", "cannot be loaded as a model"),
    ("compare --policies nowhere.skops", "nowhere.skops cannot be read: No such file"),
    ("compare --policies card.onnx>0.5", "reads card.onnx>=0.7 (label 1 is good)"),
    ("compare --policies card.onnx", "cannot be loaded as an ONNX model"),
    ("compare --policies model", "there is no policy 'model'"),
    ("compare --set up=x", "up takes whole numbers"),
    ("compare --set up=1 --set up=2", "'up' twice"),
    ("compare --set up=", "takes key=value, got 'up='"),
    ("compare --set up=(1,2,3)", "one entry per group"),
    ("compare --set upp=1 --set down=1", "did you mean 'up'?"),
    ("compare --set population_per_group=0", "at least 1, got (0, 0)"),
    ("compare --set population_per_group=1.5", "whole numbers"),
    ("compare --set population_per_group=1000000000000", "at most 16,777,215"),
    ("compare --set repay_prob=[0.5,0.5]", "one row per group"),
    ("compare --set repay_prob=x", "finite numbers"),
    ("compare --set initial=[[1,2],[3]]", "rows of one length"),
    ("compare --set cash=nan", "cash must be a finite number"),
    ("compare --set conscientiousness_std=-1", "at least 0, got -1"),
    ("compare --set episode_steps=1.5", "whole number"),
    ("compare --set num_groups=100000000", "from 2 to 100"),
    ("compare --set level_labels=5", "no setting 'level_labels'"),
    ("compare --option ppo.learning_rate=abc", "got 'abc'"),
    ("compare --option ppo.learning_rate=nan", "got 'nan'"),
    ("compare --option ppo.discount=2", "at most 1, got 2"),
    ("compare --option ppo.num_envs=0", "whole number from 1, got 0"),
    ("compare --option ppo.lr=1", "no option of ppo 'lr'"),
    ("compare --option ppo.num_minibatches=7", "choose a divisor"),
    ("compare --option dqn.width=3", "add it to --algorithms"),
    ("compare --option width=3", "takes algorithm.field=value"),
    ("evaluate --policy nope", "no policy 'nope'"),
    ("evaluate --policy card.joblib", "add --allow-pickle (in Python: with allow_pickles())"),
    ("evaluate --policy card.joblib --allow-pickle", "save it again, with the versions"),
    ("evaluate --policy card.skops", "cannot be read: Is a directory"),
    ("evaluate --episodes 1000000000", "decisions to keep in memory"),
    ("evaluate --seed -1", "got -1"),
    ("evaluate --env Admissions-v0 --set cost=x", "cost must hold finite numbers"),
    ("evaluate --env Admissions-v0 --set population_per_group=1.5", "whole numbers"),
    ("frontier --points 100000000", "at most 1000"),
    ("frontier --steps 999999999", "not too many (10^7), got 999999999"),
    ("frontier --tolerances 1,x", "got 'x'"),
    ("frontier --out a_folder.csv", "is a folder"),
    ("report a_file", "there is no folder a_file"),
    ("report a_folder", "not the folder of a run"),
    ("claims a_folder", "claims.toml"),
    ("list x", "unrecognized options: x"),
    ("calibrate taiwan --direction x", "got 'x'"),
    ("calibrate taiwan --seed -1", "--seed must be at least 0, got -1"),
    ("calibrate taiwan --out a_folder", "is a folder"),
]


@pytest.fixture
def crowded(tmp_path, monkeypatch):
    """A folder with things that are not what they seem."""
    monkeypatch.chdir(tmp_path)
    for name in ("a_folder", "a_folder.csv", "card.skops"):
        (tmp_path / name).mkdir()
    for name in ("a_file", "empty.csv"):
        (tmp_path / name).touch()
    for name in ("card.joblib", "card.onnx"):
        (tmp_path / name).write_text("no model")
    (tmp_path / "short.csv").write_text("group,level,approve\n0,1,1\n")
    write_params(tmp_path / "typo.toml", gym())
    text = (tmp_path / "typo.toml").read_text()
    (tmp_path / "typo.toml").write_text(text.replace("repay_prob", "repay_porb"))
    return tmp_path


@pytest.mark.parametrize(("line", "said"), LINES, ids=[line for line, _ in LINES])
def test_it_is_refused_in_one_sentence_and_nothing_is_written(line, said, crowded, capfd):
    before = set(crowded.rglob("*"))
    assert main(line.split()) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("evenhand: ")
    assert err.count("\n") == 1
    assert said in err
    assert set(crowded.rglob("*")) == before
