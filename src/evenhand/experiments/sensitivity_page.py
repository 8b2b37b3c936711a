"""The page that says which exact conclusions survive other payoffs and moves."""

from functools import partial
from typing import Any

from evenhand.experiments import sensitivity_words as words
from evenhand.experiments.document import document
from evenhand.experiments.figures.sensitivity import endings, fate, frontiers, policy_names
from evenhand.experiments.markup import Markup, join, tag
from evenhand.experiments.page import definitions, figure, table
from evenhand.experiments.wording import criterion_words, figure_of


def sensitivity_page(found: dict[str, Any], back: str | None = None) -> str:
    """The text of the page; `back` is the address of the page of the run it belongs to."""
    groups = ", ".join(found["groups"])
    title = f"Sensitivity of {found['name']}, groups {groups}, {found['steps']:,} decisions"
    text = (
        "Payoffs and moves of this world are choices, not estimates. This page solves it exactly "
        f"under {words.count_words(found)} settings of them and says what stays and what does not."
    )
    link = None if back is None else tag("p", tag("a", "Back to the comparison", href=back))
    lead = [tag("p", words.answer(found), class_="answer"), tag("p", text, class_="lead"), link]
    made = [
        ("conclusions", "What holds, and what changes", _conclusions(found)),
        ("settings", "The settings", _settings(found)),
        ("price", "What parity costs", _prices(found)),
        ("people", "Where each group ends", _people(found)),
        ("limits", "What this page does not say", _limits(found)),
    ]
    return document(title, lead, made, tag("p", "Made by evenhand. No script, no network."))


def _conclusions(found: dict[str, Any]) -> Markup:
    made = words.conclusions(found)
    parts = []
    for holds, heading in ((False, "Changes between settings"), (True, "The same in all settings")):
        items = [tag("li", c.text) for c in made if c.holds is holds]
        if items:
            mark = "\N{CHECK MARK}" if holds else "\N{UP DOWN ARROW}"
            parts += [
                tag("h3", tag("span", mark, aria_hidden="true"), f" {heading}"),
                tag("ul", *items, class_="holds" if holds else "changes"),
            ]
    return join(*parts, tag("p", words.RULE, class_="note"))


def _settings(found: dict[str, Any]) -> Markup:
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
    reasons = [(s["name"], s["why"][:1].upper() + s["why"][1:] + ".") for s in found["settings"]]
    text = (
        "One number changes at a time, so a change of conclusion has one cause. Break-even is the "
        "repayment probability at which an approval earns nothing."
    )
    profits = tag(
        "p",
        "Profits are what the lender earns in expectation over an episode; in brackets, the loss "
        "against the optimum. The optimum may lend below break-even on early applications, because "
        "a repaid loan makes a better applicant later.",
    )
    return join(
        tag("p", text),
        table([_head(heads)], rows, "The settings"),
        definitions(reasons[1:]),
        tag("h3", "The best policies in each"),
        profits,
        _best_table(found),
    )


def _best_table(found: dict[str, Any]) -> Markup:
    groups = found["groups"]
    top = tag(
        "tr",
        tag("th", "Setting", rowspan="2", scope="col"),
        tag("th", "Profit of", colspan="3", scope="colgroup", class_="split"),
        tag(
            "th",
            "Optimum approves from, first application",
            colspan=len(groups),
            scope="colgroup",
            class_="split",
        ),
        tag("th", "Profit now approves from", colspan=len(groups), scope="colgroup", class_="split"),
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


def _loss(profit: float, best: float, more: str = "") -> Markup:
    lost = figure_of((profit - best) / abs(best) if best else None, "share", signed=True)
    return join(figure_of(profit), tag("small", ", ".join(filter(None, (lost, more)))))


def _prices(found: dict[str, Any]) -> Markup:
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
    text = (
        "Parity means: the criterion is held at 0, or at the least value any policy reaches where "
        "0 is out of reach. The price is the profit lost against the optimum of the same setting."
    )
    short = (
        "Best profit for every tolerated disparity, in percent of the best profit of the same "
        "setting; every line ends at its optimum, a dot. Lines that lie on each other mean that "
        "the price of parity does not hang on the assumption."
    )
    details = "; ".join(
        f"{criterion_words(name).title}: parity costs {words.span(words.prices(found, name))}"
        for name in names
    )
    drawing = figure(
        "frontiers", partial(frontiers, found), "Frontiers of all settings.", short, details
    )
    return join(tag("p", text), table([_head(heads)], rows, "The price of parity"), drawing)


def _people(found: dict[str, Any]) -> Markup:
    short = (
        "Mean score of each group after the episode under exact policies; the dotted line is "
        "where the group starts."
    )
    details = "; ".join(
        f"{s['name']}: optimum "
        + ", ".join(
            f"{group} {figure_of(a, 'levels')} to {figure_of(b, 'levels')}"
            for group, a, b in zip(
                found["groups"], s["start"], s["rules"]["optimum"]["final_score"], strict=True
            )
        )
        for s in found["settings"]
    )
    drawing = figure("endings", partial(endings, found), "Scores.", short, details)
    parts: list[Any] = [drawing]
    for setting in found["settings"]:
        parts += [tag("h3", setting["name"]), _fates(found, setting)]
    return join(*parts)


def _fates(found: dict[str, Any], setting: dict[str, Any]) -> Markup:
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


def _limits(found: dict[str, Any]) -> Markup:
    items = [
        "Only payoffs and moves vary, one at a time. To look around another point, set numbers "
        "with --set, such as --set reward_default=-10, and read the page again.",
        "All numbers are expectations of exact policies that know the true repayment "
        "probabilities; nothing was learned or sampled. Policies may use group, level and how "
        "often a person came before, but not the date.",
        "A group that ends lower at parity shows what the cheapest policy with parity does, not "
        "what parity must do: another policy with the same criterion value may treat it better "
        "and earn less.",
        "No number here makes a policy fair; each criterion is one definition among several.",
    ]
    others = {n: why for n, why in found["assumed"].items() if n not in _VARIED}
    parts: list[Any] = [tag("ul", *(tag("li", item) for item in items))]
    if others:
        parts += [
            tag("p", "Also assumed, and the same in all settings:"),
            tag("div", definitions([(tag("code", n), w) for n, w in others.items()]), class_="marked"),
        ]
    return join(*parts)


_VARIED = ("reward_repaid", "reward_default", "up", "down")


def _per_group(values: list[int]) -> str:
    return str(values[0]) if len(set(values)) == 1 else ", ".join(map(str, values))


def _head(heads: tuple[str, ...]) -> Markup:
    return tag("tr", *(tag("th", head, scope="col") for head in heads))


def _row(name: str, values: Any, index: int, starts: Any = ()) -> Markup:
    cells = [tag("td", v, class_="split" if i in starts else None) for i, v in enumerate(values)]
    return tag("tr", tag("th", name, scope="row"), *cells, class_=None if index else "first")
