import dataclasses
import stat
import tomllib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evenhand.core.errors import InputError
from evenhand.data.choose import choose_population
from evenhand.data.params_file import read_params, read_params_file, write_params
from evenhand.data.params_schema import PARAMETERS, Estimate
from evenhand.data.params_text import params_text, toml_value
from evenhand.data.population import LendingPopulation
from evenhand.data.presets import PRESETS

FINITE = st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def same(a, b):
    for field in dataclasses.fields(LendingPopulation):
        left, right = getattr(a, field.name), getattr(b, field.name)
        if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
            assert np.array_equal(left, right), field.name
        else:
            assert left == right, field.name
    return True


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "params.toml"
    write_params(path, PRESETS["fico"](), {}, {"file": "x"})
    return path


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_survives_writing_and_reading(preset, tmp_path):
    population = PRESETS[preset]()
    write_params(tmp_path / "p.toml", population)
    assert same(read_params(tmp_path / "p.toml"), population)


@given(
    weights=st.lists(st.integers(1, 10**9), min_size=4, max_size=4),
    repay=st.lists(st.floats(0, 1), min_size=4, max_size=4),
    payoffs=st.tuples(FINITE, FINITE),
    names=st.lists(TEXT, min_size=2, max_size=2, unique=True),
    reason=TEXT.filter(str.strip),
)
def test_any_population_survives_to_the_last_bit(
    weights, repay, payoffs, names, reason, tmp_path_factory
):
    initial = np.array(weights, float).reshape(2, 2)
    population = LendingPopulation(
        name=names[0],
        groups=tuple(names),
        initial=initial / initial.sum(1, keepdims=True),
        repay_prob=np.array(repay).reshape(2, 2),
        population_per_group=(3, 4),
        reward_repaid=payoffs[0],
        reward_default=payoffs[1],
        gain=np.array([0.1, 1 / 3]),
        assumed={"gain": reason, "drift": reason},
    )
    path = tmp_path_factory.mktemp("p") / "p.toml"
    write_params(path, population)
    assert same(read_params(path), population)


@given(
    st.recursive(st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), FINITE, TEXT), st.lists)
)
def test_every_value_is_written_as_toml_that_reads_back_the_same(value):
    assert tomllib.loads(f"x = {toml_value(value)}")["x"] == value


@given(st.dictionaries(TEXT, TEXT))
def test_every_provenance_reads_back_the_same(provenance):
    text = params_text(PRESETS["gym"](), {}, provenance)
    assert tomllib.loads(text).get("provenance", {}) == provenance


def test_estimates_and_provenance_survive(tmp_path):
    population = PRESETS["drift-1"]()
    shape = population.drift.shape
    estimates = {
        "drift": Estimate("EM", np.full(shape, np.nan), np.ones(shape), np.ones(shape[:-1], int)),
        "repay_prob": Estimate("Wilson", filled=population.repay_prob > 0.8),
    }
    write_params(tmp_path / "p.toml", population, estimates, {"rows": 3, "columns": ["a", "b"]})
    found = read_params_file(tmp_path / "p.toml")
    assert found.provenance == {"rows": 3, "columns": ["a", "b"]}
    for name, estimate in estimates.items():
        for key, value in dataclasses.asdict(estimate).items():
            got = getattr(found.estimates[name], key)
            assert (
                got is None if value is None else np.array_equal(got, value, equal_nan=key == "low")
            )


def test_every_field_of_a_population_has_a_place_in_the_file():
    known = {*PARAMETERS, "name", "groups", "level_labels", "source", "assumed"}
    assert {field.name for field in dataclasses.fields(LendingPopulation)} == known


# what is wrong -> (text replaced, by what, words of the message)
BROKEN = {
    "format": ("evenhand-params-1", "evenhand-params-9", "format must be"),
    "environment": ("Lending-v0", "Lending-v9", "environment must be"),
    "field": ("[repay_prob]", "[repay_probs]", "did you mean 'repay_prob'"),
    "key": ("[cash]\nvalue", "[cash]\nvalu", "did you mean 'value'"),
    "not toml": ("[cash]", "[cash", "is not TOML"),
    "nan": ("[cash]\nvalue = 10000.0", "[cash]\nvalue = nan", "nan or inf"),
    "text": ("[cash]\nvalue = 10000.0", "[cash]\nvalue = 'much'", "one number"),
    "bool": ("[cash]\nvalue = 10000.0", "[cash]\nvalue = true", "one number"),
    "list": ("[cash]\nvalue = 10000.0", "[cash]\nvalue = [1.0]", "one number"),
    "not whole": ("[episode_steps]\nvalue = 10000", "[episode_steps]\nvalue = 1.5", "whole"),
    "shape": ("value = [1000, 1000]", "value = [1000]", "population_per_group"),
    "no table": ("[cash]\nvalue = 10000.0", "", None),
    "reason": ('reason = "equal group', 'rreason = "equal group', "did you mean 'reason'"),
    "no reason": ('reason = "equal group sizes unless table_shares is set"', "", "add reason"),
    "groups": ('groups = ["white", "black"]', 'groups = ["white", "white"]', "twice"),
    "group names": ('groups = ["white", "black"]', "groups = 3", "list of names"),
    "no groups": ('groups = ["white", "black"]', "", "groups is missing"),
    "name": ('name = "fico"', "name = 3", "text in quotes"),
    "flat": ("[cash]\nvalue = 10000.0", "", None),
    "edges": ("  0.0, 14", "  99.0, 14", "rise"),
    "levels": ("[bin_edges]", "[gain]\nvalue = [1.0]\n[bin_edges]", "7 levels need 7"),
    "law": ("population_per_group]", "population_per_group]\nmethod = 3", "method must be text"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_wrong_file_is_one_sentence_with_the_file_and_the_remedy(case, written):
    old, new, words = BROKEN[case]
    text = written.read_text()
    assert old in text
    written.write_text(text.replace(old, new, 1))
    if words is None:  # a parameter with a default may be left out
        assert read_params(written).cash == 10_000
        return
    with pytest.raises(InputError, match=words) as error:
        read_params(written)
    assert str(written) in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_folders_binary_and_empty_files_are_input_errors(tmp_path):
    (tmp_path / "b.toml").write_bytes(b"\xff\x00\x01")
    (tmp_path / "e.toml").write_bytes(b"")
    for path in (tmp_path, tmp_path / "no.toml", tmp_path / "b.toml", tmp_path / "e.toml"):
        with pytest.raises(InputError, match=path.name):
            read_params(path)


@given(cut=st.integers(0, 5000))
def test_a_truncated_file_never_ends_in_another_error(cut, tmp_path_factory):
    text = params_text(PRESETS["fico"](), {}, {})
    path = tmp_path_factory.mktemp("t") / "p.toml"
    path.write_text(text[: cut % len(text)])
    try:
        assert read_params(path).num_groups == 2
    except InputError as error:
        assert str(path) in str(error)  # noqa: PT017


def test_a_failed_write_leaves_the_old_file_and_nothing_else(written, monkeypatch):
    before = written.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(InputError, match="No space left"):
        write_params(written, PRESETS["gym"]())
    assert written.read_bytes() == before
    assert [path.name for path in written.parent.iterdir()] == [written.name]


def test_writing_into_no_folder_or_onto_a_folder_says_so(tmp_path):
    for path in (tmp_path, tmp_path / "no" / "p.toml"):
        with pytest.raises(InputError, match="folder"):
            write_params(path, PRESETS["gym"]())


def test_the_written_file_can_be_read_by_others(written):
    assert stat.S_IMODE(written.stat().st_mode) == 0o644


def test_choose_population_reads_a_parameter_file_and_a_person_can_be_solved(written):
    population = choose_population(params=written, groups="black", settings=["people=3"][:0])
    assert population.groups == ("black",)
    assert population.person(100).transition.shape == (1, 7, 2, 7)


def test_a_preset_takes_one_size_for_all_groups_or_one_for_each():
    assert choose_population("gym", settings=("population_per_group=5",)).population_per_group == (
        5,
        5,
    )
    for preset in ("gym", "fico", "drift-1"):
        unequal = choose_population(preset, settings=("population_per_group=(30,10)",))
        assert unequal.population_per_group == (30, 10)
    with pytest.raises(InputError, match="population_per_group"):
        choose_population("gym", settings=("population_per_group=(30,10,20)",))
