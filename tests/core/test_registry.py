"""Names lead to objects, and wrong names to the nearest right ones."""

import pytest

from evenhand.core import registry
from evenhand.core.errors import InputError


@pytest.fixture(autouse=True)
def _own_tables(monkeypatch):
    for table in ("ENVIRONMENTS", "ALGORITHMS", "POLICIES"):
        monkeypatch.setattr(registry, table, dict(getattr(registry, table)))


def test_a_registered_environment_is_made_with_its_options():
    registry.register_environment("Fraction-v0", "fractions:Fraction")
    assert registry.make("Fraction-v0", numerator=3) == 3


def test_registering_the_same_twice_changes_nothing_but_another_target_is_refused():
    registry.register_algorithm("sgd", "fractions:Fraction")
    registry.register_algorithm("sgd", "fractions:Fraction")
    assert registry.make_algorithm("sgd") == 0
    with pytest.raises(InputError, match="'sgd' is already fractions:Fraction"):
        registry.register_algorithm("sgd", "decimal:Decimal")


def test_a_wrong_name_is_answered_with_the_nearest_right_one():
    with pytest.raises(InputError, match=r"no environment 'lending-v0'; did you mean 'Lending-v0'"):
        registry.make("lending-v0")
    with pytest.raises(InputError, match=r"no algorithm 'pp0'; did you mean 'ppo'"):
        registry.make_algorithm("pp0")


@pytest.mark.parametrize("name", ["loans", "loans-v0", "Loans-v", "Loans"])
def test_an_environment_needs_a_versioned_name(name):
    with pytest.raises(InputError, match="reads like 'Lending-v0'"):
        registry.register_environment(name, "fractions:Fraction")


@pytest.mark.parametrize("target", ["fractions", "fractions:", ":Fraction", "a/b:C"])
def test_a_target_names_a_module_and_a_thing_in_it(target):
    with pytest.raises(InputError, match="reads 'module:Name'"):
        registry.register_policy("half", target)
