"""The claims of a paper as they stand in claims.toml: statements, and tests that decide them."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from evenhand.core.errors import InputError, unknown_name
from evenhand.experiments.paper.fields import keys_checked
from evenhand.experiments.paper.quantities import Quantity, check_metric, quantity
from evenhand.experiments.paper.study import Study
from evenhand.experiments.paper_records import read_toml

RELATIONS = ("less", "greater", "close")
_CLAIM = {"id", "statement", "where", "margin", "note", "measure", "tests"}
_SHARED = ("scenario", "metric", "group", "reduce", "minus_group", "minus", "absolute", "per")
_TEST = {*_SHARED, "a", "b", "relation", "margin", "relative", "any", "exact"}
# A list of these stands for a test of each.
_EACH = ("scenario", "metric", "group")


@dataclass(frozen=True)
class Comparison:
    """A comparison of two quantities, or of one with a number, over seeds.

    `margin` is in the unit of the quantity; `relative` adds that share of the mean of b. Of the
    comparisons of a claim with the same `any`, method and scenario it is enough that one holds.
    `exact` is for shares of seeds, and for numbers b: the interval is then the exact one.
    """

    a: Quantity
    b: Quantity | float
    relation: str
    margin: float = 0.0
    relative: float = 0.0
    any: str = ""
    exact: bool = False

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        return (self.a, self.b) if isinstance(self.b, Quantity) else (self.a,)

    @property
    def scenarios(self) -> set[str]:
        return {q.scenario for q in self.quantities}


@dataclass(frozen=True)
class Claim:
    """A statement of the paper; it holds where every test does.

    `where` says where in the paper it stands, `margin` in words what counts as enough, and why.
    """

    id: str
    statement: str
    where: str
    margin: str
    note: str
    tests: tuple[Comparison, ...]

    @property
    def scenarios(self) -> set[str]:
        return set().union(*(test.scenarios for test in self.tests))


def read_claims(study: Study) -> tuple[Claim, ...]:
    """The claims that a study decides, in their order; () where it has no file of claims."""
    path = study.beside("claims")
    if not path.is_file():
        return ()
    claims = read_toml(path).get("claims", [])
    made = tuple(_claim(table, number, path) for number, table in enumerate(claims, 1))
    seen: set[str] = set()
    for claim in made:
        if claim.id in seen:
            raise InputError(f"{path}: two claims are called {claim.id!r}; give each its own id")
        seen.add(claim.id)
        for used in (q for test in claim.tests for q in test.quantities):
            _check_run(used, study, f"{path}: claim {claim.id!r}")
    return made


def _claim(table: dict[str, Any], number: int, path: Any) -> Claim:
    where = f"{path}: claim {table.get('id', number)!r}"
    keys_checked("key of [[claims]]", table, _CLAIM, where)
    if not {"id", "statement"} <= table.keys():
        raise InputError(f"{where}: every claim needs an id and a statement")
    tables = table.get("tests", [])
    if not tables:
        raise InputError(f"{where} has no [[claims.tests]], so nothing could decide it")
    tests = tuple(t for one in tables for each in _each(one, where) for t in _tests(each, where))
    words = {key: " ".join(str(table.get(key, "")).split()) for key in _CLAIM - {"tests"}}
    return Claim(
        words["id"], words["statement"], words["where"], words["margin"], words["note"], tests
    )


def _each(table: dict[str, Any], where: str) -> list[dict[str, Any]]:
    """The table once for every scenario, metric and group that it lists."""
    keys_checked("key of [[claims.tests]]", table, _TEST, where)
    lists = [table[name] if isinstance(table.get(name), list) else None for name in _EACH]
    made = [table]
    for name, values in zip(_EACH, lists, strict=True):
        if values is not None:
            made = [one | {name: value} for one in made for value in values]
    return made


def _tests(table: dict[str, Any], where: str) -> list[Comparison]:
    """The tests that one table stands for: one for every pair of an a and a b."""
    for name in ("a", "b", "relation"):
        if name not in table:
            raise InputError(f"{where}: a test needs {name}")
    relation = table["relation"]
    if relation not in RELATIONS:
        raise InputError(f"{where}: {unknown_name('relation', str(relation), RELATIONS)}")
    margins = {name: table.get(name, 0.0) for name in ("margin", "relative")}
    for name, value in margins.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"{where}: {name} is a number, got {value!r}")
    if relation == "close" and not max(margins.values()) > 0:
        raise InputError(f"{where}: close needs a margin or a relative margin above 0")
    same, exact = str(table.get("any", "")), table.get("exact", False) is True
    shared = {name: table[name] for name in _SHARED if name in table}
    sides = [_sides(table[name], shared, where) for name in ("a", "b")]
    made = []
    for a, b in product(*sides):
        if not isinstance(a, Quantity):
            raise InputError(f"{where}: a is a method, or a list of methods, got {a!r}")
        if exact and isinstance(b, Quantity):
            raise InputError(f"{where}: an exact interval is of one share; let b be a number")
        margin, relative = (float(margins[name]) for name in ("margin", "relative"))
        made.append(Comparison(a, b, relation, margin, relative, same, exact))
    return made


def _sides(given: Any, shared: dict[str, Any], where: str) -> list[Quantity | float]:
    """What one side of a test stands for: a number, methods, or tables that say more."""
    if isinstance(given, list):
        return [side for one in given for side in _sides(one, shared, where)]
    if isinstance(given, int | float) and not isinstance(given, bool):
        return [float(given)]
    if isinstance(given, str):
        return [quantity(shared | {"method": given}, where)]
    if not isinstance(given, Mapping):
        raise InputError(f"{where}: a and b are methods, numbers or tables, got {given!r}")
    merged = shared | dict(given)
    # A table that reduces over groups, or names one, replaces the other kind.
    if "group" in given:
        merged.pop("reduce", None) if "reduce" not in given else None
    if "reduce" in given:
        for name in {"group", "minus_group"} - given.keys():
            merged.pop(name, None)
    return [quantity(merged, where)]


def _check_run(used: Quantity, study: Study, where: str) -> None:
    """Raise an `InputError` where a claim is about something that the study does not run."""
    names = [scenario.name for scenario in study.scenarios]
    if used.scenario not in names:
        raise InputError(f"{where}: {unknown_name('scenario', used.scenario, names)}")
    check_metric(used.metric, study.kind, where)
    methods = study.scenario(used.scenario).experiment.methods
    for method in filter(None, (used.method, used.minus, used.per)):
        if method not in methods:
            error = unknown_name(f"method in scenario {used.scenario}", method, methods)
            raise InputError(f"{where}: {error}")
