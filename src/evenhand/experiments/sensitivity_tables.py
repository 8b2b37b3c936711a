"""The tables of a sensitivity page."""

from typing import Any

from evenhand.experiments import sensitivity_words as words
from evenhand.experiments.figures.sensitivity import fate, policy_names
from evenhand.experiments.markup import Markup, join, tag
from evenhand.experiments.page import table
from evenhand.experiments.wording import criterion_words, figure_of


def settings_table(found: dict[str, Any]) -> Markup:
    """The numbers that differ between settings."""
    heads = ("Setting", "Repaid", "Default", "Break-even", "Levels up", "Levels down")
    rows = []
    for index, s in enumerate(found["settings"]):
        values = (
            figure_of(s["reward_repaid"], signed=True),
            figure_of(s["reward_default"], signed=True),
            figure_of(s["break_even"], "share"),
            _per_group(s["up"]),
            _per_group(s["down"]),
        )
        rows.append(_row(s["name"], values, index))
    return table([_head(heads)], rows, "The settings")


def best_table(found: dict[str, Any]) -> Markup:
    """Profit of the exact rules in every setting, and whom they approve first."""
    groups = found["groups"]
    top = tag(
        "tr",
        tag("th", "Setting", rowspan="2", scope="col"),
        tag("th", "Profit of", colspan="3", scope="colgroup", class_="split"),
        tag(
            "th",
            "Optimum approves from",
            colspan=len(groups),
            scope="colgroup",
            class_="split",
        ),
        tag(
            "th", "Profit now approves from", colspan=len(groups), scope="colgroup", class_="split"
        ),
    )
    names = ["optimum", "profit now", "best threshold", *groups, *groups]
    starts = {0, 3, 3 + len(groups)}
    below = [
        tag("th", name, scope="col", class_="split" if i in starts else None)
        for i, name in enumerate(names)
    ]
    rows = []
    for index, s in enumerate(found["settings"]):
        rules, best = s["rules"], s["rules"]["optimum"]["profit"]
        cut = words.level_name(found, rules["threshold"]["level"])
        values = [
            figure_of(best),
            _loss(rules["myopic"]["profit"], best),
            _loss(rules["threshold"]["profit"], best, f"from {cut}"),
            *(words.level_name(found, at) for at in rules["optimum"]["first"]),
            *(words.level_name(found, at) for at in rules["myopic"]["first"]),
        ]
        rows.append(_row(s["name"], values, index, starts))
    return table([top, tag("tr", *below)], rows, "The best policies in each setting")


def price_table(found: dict[str, Any]) -> Markup:
    """What parity costs in every setting, by criterion."""
    names = words.told(found)
    rows = []
    for index, setting in enumerate(found["settings"]):
        cells = []
        for name in names:
            line = setting["frontier"][name]
            best = setting["rules"]["optimum"]["profit"]
            least = figure_of(line["least"], criterion_words(name).unit)
            at = "" if line["least"] < 1e-4 else f", at {least}"
            share = figure_of(line["price"] / abs(best) if best else None, "share")
            cells.append(join(share, tag("small", f"{figure_of(line['price'])}{at}")))
        rows.append(_row(setting["name"], cells, index))
    heads = ("Setting", *(criterion_words(name).title for name in names))
    return table([_head(heads)], rows, "The price of parity")


def fates_table(found: dict[str, Any], setting: dict[str, Any]) -> Markup:
    """What every exact policy means for each group in one setting."""
    groups, spans = found["groups"], ("Return", "Approval rate", "Final mean score")
    top = tag(
        "tr",
        tag("th", "Policy", rowspan="2", scope="col"),
        tag("th", "Profit", rowspan="2", scope="col", class_="split"),
        *(tag("th", n, colspan=len(groups), scope="colgroup", class_="split") for n in spans),
    )
    starts = {0, *(1 + len(groups) * i for i in range(len(spans)))}
    below = [
        tag("th", group, scope="col", class_=None if i else "split")
        for _ in spans
        for i, group in enumerate(groups)
    ]
    rows = []
    for index, (policy, title) in enumerate(policy_names(found).items()):
        told = fate(setting, policy)
        values = [
            figure_of(told["profit"]),
            *(figure_of(value) for value in told["return"]),
            *(figure_of(value, "share") for value in told["approval_rate"]),
            *(figure_of(value, "levels") for value in told["final_score"]),
        ]
        rows.append(_row(title, values, index, starts))
    label = f"What exact policies mean for each group: {setting['name']}"
    return table([top, tag("tr", *below)], rows, label)


def _loss(profit: float, best: float, more: str = "") -> Markup:
    lost = figure_of((profit - best) / abs(best) if best else None, "share", signed=True)
    return join(figure_of(profit), tag("small", ", ".join(filter(None, (lost, more)))))


def _per_group(values: list[int]) -> str:
    return str(values[0]) if len(set(values)) == 1 else ", ".join(map(str, values))


def _head(heads: tuple[str, ...]) -> Markup:
    return tag("tr", *(tag("th", head, scope="col") for head in heads))


def _row(name: str, values: Any, index: int, starts: Any = ()) -> Markup:
    cells = [tag("td", v, class_="split" if i in starts else None) for i, v in enumerate(values)]
    return tag("tr", tag("th", name, scope="row"), *cells, class_=None if index else "first")
