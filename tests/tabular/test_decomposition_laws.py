"""The causal decomposition of gain against reference numbers, its identities, and simulation."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from evenhand.core.errors import InputError
from evenhand.data.presets import drift_1, drift_2, drift_3, fico_scores
from evenhand.tabular.benefit import benefit_disparity, largest_benefit_disparity
from evenhand.tabular.decomposition import decompose, decompose_pairs
from evenhand.tabular.evaluation import expected_returns, final_law
from evenhand.tabular.gain_values import gain_values, visit_sums
from evenhand.tabular.lending import threshold_policy
from evenhand.tabular.sampled_decomposition import SUMS, estimate, sample_gain_sums
from evenhand.testing.strategies import tabular_mdps

LAW = settings(max_examples=30)
SEEDS = st.integers(0, 2**32 - 1)
DRIFTS = [drift_1, drift_2, drift_3]
# C, DPE, IPE, SPE, IPE and SPE with the released code's V_0, E G_0, E G_1, profit.
REFERENCE = {
    (drift_1, "deny"): (0.0065, 0, 0, 0.0065, 0.6722, -0.6657, 2.43, 1.83, 0),
    (drift_1, "approve"): (0.3055, 0.3212, -0.0222, 0.0065, 0.6500, -0.6657, 113.14, 85.07, 9.60),
    (drift_1, "half"): (0.2045, 0.2072, -0.0092, 0.0065, 0.6630, -0.6657, 58.06, 39.28, 3.25),
    (drift_1, "x>=6"): (0.3678, 0.3829, -0.0216, 0.0065, 0.6506, -0.6657, 105.67, 71.88, 15.32),
    (drift_3, "deny"): (0.2594, 0, 0, 0.2594, 0.2594, 0, 7.23, -16.59, 0),
    (drift_3, "approve"): (0.3198, 0.0052, 0.0553, 0.2594, 0.3146, 0, 118.98, 89.61, 16.07),
}
EQUAL_BENEFIT = {
    drift_1: "0024 0124 0321 0627 1058 1620 2319 3160 4136 5259 6530 7933 8327 0754",
    drift_2: "0015 0083 0231 0497 0916 1499 2244 3154 4210 5405 6736 8198 8621 0911",
}
BENEFITS = {preset: (row, row) for preset, row in EQUAL_BENEFIT.items()} | {
    drift_3: (
        "0025 0129 0331 0642 1078 1646 2351 3199 4181 5311 6589 7999 8399 0264",
        "0017 0100 0278 0564 0972 1510 2184 2999 3949 5045 6289 7665 8597 2210",
    )
}


def rule(mdp, name):
    if name == "half":
        return np.full((mdp.num_groups, mdp.num_states, 2), 0.5)
    return threshold_policy(mdp, {"deny": mdp.num_states, "approve": 0, "x>=6": 6}[name])


def random_policy(mdp, seed, staged=False):
    shape = (mdp.num_groups, *([mdp.horizon] if staged else []), mdp.num_states)
    return np.random.default_rng(seed).dirichlet(np.ones(mdp.num_actions), shape)


def drawn(**sizes):
    """Random problems in which somebody is decided about."""
    sizes = {"num_groups": (2, 3), "num_actions": (2, 3)} | sizes
    return tabular_mdps(**sizes).filter(lambda mdp: mdp.horizon is None or mdp.weights[0] > 0)


def effects(found):
    return np.array([found.C, found.DPE, found.IPE, found.SPE])


@pytest.mark.parametrize(("preset", "name"), REFERENCE, ids=lambda v: getattr(v, "__name__", v))
def test_drift_worlds_have_their_reference_numbers(preset, name):
    world = preset()
    mdp = world.person(500)
    policy = rule(mdp, name)
    found = decompose(mdp, policy)
    released = decompose(mdp, policy, v0="stationary", potential=world.potential)
    *expected, gain_0, gain_1, profit = REFERENCE[preset, name]
    np.testing.assert_allclose(
        [*effects(found), released.IPE, released.SPE], expected, rtol=0, atol=5.1e-5
    )
    np.testing.assert_allclose(found.gain_by_group, [gain_0, gain_1], rtol=0, atol=5.1e-3)
    assert expected_returns(mdp, policy)[:, 0].sum() == pytest.approx(profit, abs=5.1e-3)
    assert (released.C, released.DPE) == (found.C, found.DPE)


@pytest.mark.parametrize("preset", DRIFTS)
def test_benefits_are_those_of_the_table_whatever_the_policy(preset):
    mdp = preset().person()
    expected = [[float(f".{cell}") for cell in row.split()] for row in BENEFITS[preset]]
    for name in ("deny", "half"):
        found = gain_values(mdp, rule(mdp, name)).benefit
        np.testing.assert_allclose(found, expected, rtol=0, atol=5.1e-5)


@LAW
@given(mdp=drawn(), seed=SEEDS, staged=st.booleans())
def test_the_effects_add_up_to_the_difference_and_agree_with_the_sums_over_visits(
    mdp, seed, staged
):
    assume(not (staged and mdp.horizon is None))
    policy = random_policy(mdp, seed, staged)
    baseline = seed % mdp.num_actions
    for pair, found in decompose_pairs(mdp, policy, signal="signal 0", baseline=baseline).items():
        parts = effects(found)
        assert parts[0] == pytest.approx(parts[1:].sum(), abs=1e-10)
        assert found.by_visits["DPE"] == pytest.approx(found.DPE, abs=1e-10)
        assert found.by_visits["IPE"] == pytest.approx(found.IPE, abs=1e-10)
        assert found.printed["DPE"] + found.printed["IPE"] + found.SPE == pytest.approx(found.C)
        alone = decompose(mdp, policy, pair, signal="signal 0", baseline=baseline)
        np.testing.assert_array_equal(effects(alone), effects(found))
        other = decompose(mdp, policy, pair[::-1], signal="signal 0", baseline=baseline)
        np.testing.assert_allclose(effects(other), -effects(found), atol=1e-12)


@LAW
@given(mdp=drawn(), seed=SEEDS)
def test_taking_the_baseline_action_has_no_effect_of_its_own(mdp, seed):
    baseline = seed % mdp.num_actions
    policy = np.zeros((mdp.num_groups, mdp.num_states, mdp.num_actions))
    policy[..., baseline] = 1
    found = decompose(mdp, policy, signal="signal 0", baseline=baseline)
    np.testing.assert_allclose(effects(found), [found.C, 0, 0, found.C], atol=1e-12)


@LAW
@given(mdp=drawn(), seed=SEEDS)
def test_print_and_nature_agree_where_groups_share_moves_gains_and_policy(mdp, seed):
    shared = replace(
        mdp,
        transition=np.repeat(mdp.transition[:1], mdp.num_groups, 0),
        rewards=np.repeat(mdp.rewards[:1], mdp.num_groups, 0),
    )
    policy = np.repeat(random_policy(mdp, seed)[:1], mdp.num_groups, 0)
    found = decompose(shared, policy, signal="signal 0")
    assert found.printed["DPE"] == pytest.approx(found.DPE, abs=1e-12)
    assert found.printed["IPE"] == pytest.approx(found.IPE, abs=1e-12)


def test_in_print_setting_3_calls_every_difference_direct():
    mdp = drift_3().person(500)
    found = decompose(mdp, rule(mdp, "approve"))
    assert found.printed["DPE"] == pytest.approx(0.3198, abs=5.1e-5)
    assert found.printed["IPE"] == pytest.approx(-0.2594, abs=5.1e-5)
    for seed in range(5):
        found = decompose(mdp, random_policy(mdp, seed))
        assert found.printed["DPE"] == pytest.approx(found.C, abs=1e-12)
        assert found.printed["IPE"] == pytest.approx(-found.SPE, abs=1e-12)
        assert abs(found.DPE - found.C) > 0.1


@pytest.mark.parametrize("preset", DRIFTS)
def test_a_random_number_of_decisions_is_the_mixture_of_fixed_numbers_given_one(preset):
    mdp = preset().person(500)
    policy = random_policy(mdp, 3)
    gain = mdp.rewards[..., mdp.signals.index("qualification_gain")]
    g0, delta = gain[..., 0], gain[..., 1] - gain[..., 0]
    moves = np.einsum("gsa,gsan->gsn", policy, mdp.transition)
    V = np.zeros((3, 2, mdp.num_states))
    mixed = np.zeros_like(V)
    for n in range(1, 60):
        onward = [moves @ V[0][..., None], moves @ V[1][..., None]]
        onward.append(mdp.transition[:, :, 0] @ V[2][..., None])
        V = np.stack([g0 + policy[..., 1] * delta, g0, g0]) + np.stack(onward)[..., 0]
        mixed += stats.binom.pmf(n, 500, 1 / 200) * V
    mixed /= 1 - stats.binom.pmf(0, 500, 1 / 200)
    found = gain_values(mdp, policy)
    np.testing.assert_allclose([found.V_pi, found.V_PS, found.V_0], mixed, atol=1e-12)


@LAW
@given(mdp=drawn(horizons=(None,)), seed=SEEDS)
def test_an_infinite_horizon_is_the_limit_of_long_ones(mdp, seed):
    policy = random_policy(mdp, seed)
    long = replace(mdp, horizon=500)
    for name in ("V_pi", "V_PS", "V_0"):
        endless = getattr(gain_values(mdp, policy, "signal 0"), name)
        np.testing.assert_allclose(
            endless, getattr(gain_values(long, policy, "signal 0"), name), atol=1e-8
        )
    np.testing.assert_allclose(visit_sums(mdp, policy), visit_sums(long, policy), atol=1e-8)


@LAW
@given(mdp=drawn(num_actions=(2,)), seed=SEEDS)
def test_splitting_an_action_into_two_equal_ones_changes_nothing(mdp, seed):
    policy = random_policy(mdp, seed)
    twin = replace(
        mdp, transition=mdp.transition[:, :, [0, 1, 1]], rewards=mdp.rewards[:, :, [0, 1, 1]]
    )
    share = np.random.default_rng(seed).uniform(size=policy.shape[:2])
    parts = [policy[..., 0], policy[..., 1] * share, policy[..., 1] * (1 - share)]
    split = np.stack(parts, -1)
    once, twice = (
        decompose(one, table, signal="signal 0") for one, table in ((mdp, policy), (twin, split))
    )
    np.testing.assert_allclose(effects(once), effects(twice), atol=1e-12)
    with pytest.raises(InputError, match="action_benefit"):
        _ = gain_values(twin, split, "signal 0").benefit


def test_any_potential_may_be_the_gain():
    linear = np.arange(14.0)
    world = replace(drift_3(), gain=linear)
    mdp = world.person(500)
    policy = random_policy(mdp, 1)
    found = decompose(mdp, policy, v0="stationary", potential=linear)
    risen = (final_law(mdp, policy) - mdp.initial) @ linear
    np.testing.assert_allclose(found.gain_by_group, 100 * risen, atol=1e-8)
    np.testing.assert_allclose(found.spurious, linear.mean() - mdp.initial @ linear)
    assert found.by_visits["DPE"] == pytest.approx(found.DPE, abs=1e-12)


def test_without_drift_everything_is_direct():
    mdp = fico_scores().person()
    found = decompose(mdp, random_policy(mdp, 0))
    assert found.C == found.DPE != 0
    assert found.IPE == found.SPE == 0


RANDOM, EPISODES, LEVEL = 50, 60, 1e-3


@pytest.fixture(scope="module", params=DRIFTS)
def sampled(request):
    """A world, 50 random policies and sums of 60 sampled episodes with each."""
    world = request.param()
    rng = np.random.default_rng(2025)
    approve = rng.uniform(size=(RANDOM, 2, 14))
    approve[: RANDOM // 2] = approve[: RANDOM // 2] > 0.5
    policies = np.stack([1 - approve, approve], -1)
    each = np.repeat(policies[:, :, None], EPISODES, 0)
    sums = sample_gain_sums(world, each, RANDOM * EPISODES, seed=7)
    return world, policies, sums.reshape(RANDOM, EPISODES, 2, len(SUMS))


def test_sampled_streams_agree_with_the_exact_effects(sampled):
    """Squared errors over squared standard errors, summed over 50 policies, are chi-squared.

    One test per world, form and effect: 24 at a family-wise level of .001 (Bonferroni).
    """
    world, policies, sums = sampled
    mdp = world.person()
    exact = np.array([effects(decompose(mdp, policy)) for policy in policies])
    found = [estimate(one) for one in sums]
    for form in ("common_draws", "expected"):
        z = [[getattr(one, form)[name] for name in ("C", "DPE", "IPE", "SPE")] for one in found]
        value, error = np.moveaxis(np.array(z), -1, 0)
        # 60 episodes estimate the standard error too: t, not normal, hence this variance.
        spread = (EPISODES - 1) / (EPISODES - 3)
        chi_squared = (((value - exact) / error) ** 2).sum(0) / spread
        assert (stats.chi2.sf(chi_squared, RANDOM) > LEVEL / 24).all(), (form, chi_squared)


def test_expected_gains_estimate_the_same_as_common_draws_with_smaller_variance(sampled):
    _, _, sums = sampled
    total, paths, expected_paths, direct = (
        sums[..., SUMS.index(name)]
        for name in ("total", "paths", "expected_paths", "expected_direct")
    )
    apart = sums.copy()
    apart[..., SUMS.index("total")] = total - paths - direct
    apart[..., SUMS.index("paths")] = paths - expected_paths
    apart[..., SUMS.index("baseline")] = 0
    z, ratios = [], []
    for one, two in zip(apart, sums, strict=True):
        differences, found = estimate(one).common_draws, estimate(two)
        z.append([differences[name].value / differences[name].error for name in ("C", "IPE")])
        ratios.append(
            [found.expected[n].error / found.common_draws[n].error for n in ("C", "DPE", "IPE")]
        )
    assert (stats.chi2.sf((np.array(z) ** 2).sum(0) * 57 / 59, RANDOM) > LEVEL / 6).all()
    # The error of a standard error from 60 episodes is 9%, so single ratios may pass 1.
    assert (np.mean(np.square(ratios), axis=0) < [0.6, 0.8, 0.1]).all()


def test_benefit_disparity_is_the_sum_it_says():
    mdp = drift_3().person()
    policy = random_policy(mdp, 0)
    benefit = gain_values(mdp, policy).benefit
    for radius in (1e-6, 0.02):
        total = 0.0
        for x in range(14):
            for y in range(14):
                off = abs(benefit[0, x] - benefit[1, y])
                differs = abs(policy[0, x, 1] - policy[1, y, 1])
                near = radius / (radius + off)
                total += near * differs * mdp.initial[0, x] * mdp.initial[1, y]
        assert benefit_disparity(mdp, policy, radius) == pytest.approx(total, rel=1e-12)


def test_at_the_papers_radius_only_equal_benefits_count():
    equal, unequal = drift_1().person(), drift_3().person()
    policy = random_policy(equal, 1)
    P, apart = equal.initial, np.abs(policy[0, :, 1] - policy[1, :, 1])
    assert benefit_disparity(equal, policy) == pytest.approx((P[0] * P[1] * apart).sum(), abs=1e-5)
    worst = np.zeros_like(policy)
    worst[0, :, 1] = worst[1, :, 0] = 1
    # The groups are decided about as differently as can be, and Lambda does not see it.
    assert benefit_disparity(unequal, worst) < 1.1e-5
    assert benefit_disparity(unequal, worst, radius=0.05) > 0.2


@LAW
@given(mdp=drawn(), seed=SEEDS)
def test_benefit_disparity_grows_with_the_radius_up_to_all_pairs(mdp, seed):
    policy = random_policy(mdp, seed)
    found = [benefit_disparity(mdp, policy, r, signal="signal 0") for r in (1e-6, 0.01, 1, 1e9)]
    assert 0 <= found[0] <= found[1] <= found[2] <= found[3]
    apart = np.abs(policy[0, :, None, 1:] - policy[1, None, :, 1:]).sum(-1)
    assert found[-1] == pytest.approx(mdp.initial[0] @ apart @ mdp.initial[1], rel=1e-6)
    largest = largest_benefit_disparity(mdp, policy, 0.01, signal="signal 0")
    assert largest >= found[1]
    if mdp.num_groups == 2:
        assert largest == found[1]


@LAW
@given(mdp=drawn(), seed=SEEDS)
def test_the_law_of_visits_is_that_of_normalised_visit_sums(mdp, seed):
    policy = random_policy(mdp, seed)
    visits = visit_sums(mdp, policy).sum(-1)
    law = visits / visits.sum(1, keepdims=True)
    by_name, by_array = (
        benefit_disparity(mdp, policy, 0.1, law=one, signal="signal 0") for one in ("visits", law)
    )
    assert by_name == pytest.approx(by_array, rel=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pair": (0, 0)}, "two different groups of 0..1"),
        ({"pair": (0, 2)}, "two different groups of 0..1"),
        ({"signal": "gain"}, "there is no signal 'gain'"),
        ({"baseline": 2}, "baseline must be an action 0..1, got 2"),
        ({"v0": "code"}, "there is no v0 'code'"),
        ({"v0": "stationary"}, "needs the potential"),
        ({"v0": "stationary", "potential": np.arange(14.0)}, "differences of a potential"),
        ({"v0": "stationary", "potential": np.arange(3.0)}, r"potential must be \(14,\)"),
        ({"policy": np.full((2, 14, 3), 1 / 3)}, r"policy must be \(2, 14, 2\)"),
        ({"policy": np.full((2, 14, 2), 0.4)}, "off by 0.2"),
    ],
)
def test_what_cannot_be_decomposed_is_named(change, message):
    mdp = drift_1().person()
    with pytest.raises(InputError, match=message):
        decompose(mdp, **{"policy": rule(mdp, "half"), **change})


def test_people_who_are_never_decided_about_have_no_effects():
    mdp = drift_1().person()
    never = replace(mdp, stage_weight=np.zeros_like(mdp.weights))
    with pytest.raises(InputError, match="nobody is ever decided about"):
        decompose(never, rule(mdp, "half"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"radius": 0.0}, "above 0, got 0"),
        ({"radius": float("nan")}, "above 0, got nan"),
        ({"law": "stationary"}, 'law must be "visits"'),
        ({"law": np.ones((2, 14))}, "rows that sum to 1"),
        ({"pair": (1, 1)}, "two different groups"),
    ],
)
def test_what_benefit_disparity_cannot_use_is_named(change, message):
    mdp = drift_1().person()
    with pytest.raises(InputError, match=message):
        benefit_disparity(mdp, rule(mdp, "half"), **change)
