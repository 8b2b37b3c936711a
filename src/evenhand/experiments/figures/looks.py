"""How each method looks in a figure: variants of one method look like it."""

from collections.abc import Sequence
from typing import Any

from evenhand.experiments.figures.style import method_line, method_look
from evenhand.experiments.variants import base_method, curves, variant_settings
from evenhand.experiments.wording import method_title

# How much the first variant of a sweep is lightened; the last one is not.
_LIGHTEST = 0.4
# Lines of further variants of one method, beside the method's own.
_LINES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 1.5, 1.5, 1.5)))


def looks(methods: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Colour, marker, line and opacity of every method, by the place of its algorithm.

    Variants share the colour. Those of one sweep share all but the opacity, which grows with the
    value of the field they differ in; others have a marker and a line of their own.
    """
    places = {name: n for n, name in enumerate(dict.fromkeys(map(base_method, methods)))}
    made = curves(methods)
    swept = {variant: number for number, curve in enumerate(made) for variant in curve.variants}
    kinds: dict[str, list[Any]] = {}
    found = {}
    for method in methods:
        own = kinds.setdefault(base_method(method), [])
        kind = swept.get(method, method)
        own += [] if kind in own else [kind]
        place = places[base_method(method)]
        index = place + len(places) * own.index(kind)
        found[method] = {"color": method_look(place)[0], "marker": method_look(index)[1]}
        found[method] |= {"linestyle": _LINES[own.index(kind) % len(_LINES)], "alpha": 1.0}
        if own.index(kind) == 0:
            found[method]["linestyle"] = method_line(place)
    for curve in made:
        for number, variant in enumerate(curve.variants):
            share = number / (len(curve.variants) - 1)
            found[variant]["alpha"] = _LIGHTEST + (1 - _LIGHTEST) * share
    return found


def ends_of_sweeps(methods: Sequence[str]) -> tuple[str, ...]:
    """The methods, of every sweep only the first and the last variant: where panels are many."""
    between = {variant for curve in curves(methods) for variant in curve.variants[1:-1]}
    return tuple(method for method in methods if method not in between)


def short_title(method: str) -> str:
    """A method's name for a narrow place: of a variant its algorithm and its values."""
    return " ".join([method_title(base_method(method)), *variant_settings(method).values()])
