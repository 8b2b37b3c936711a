"""The page that says which exact conclusions survive other payoffs and moves."""

from functools import partial
from typing import Any

from evenhand.experiments import sensitivity_tables as tables
from evenhand.experiments import sensitivity_words as words
from evenhand.experiments.conclusions import RULE, answer, conclusions
from evenhand.experiments.document import document
from evenhand.experiments.figures.sensitivity import endings, frontiers
from evenhand.experiments.markup import Markup, join, tag
from evenhand.experiments.page import definitions, figure
from evenhand.experiments.wording import criterion_words, figure_of

_VARIED = ("reward_repaid", "reward_default", "up", "down")


def sensitivity_page(found: dict[str, Any], back: str | None = None) -> str:
    """The text of the page; `back` is the address of the page of the run it belongs to."""
    groups = ", ".join(found["groups"])
    title = f"Sensitivity of {found['name']}, groups {groups}, {found['steps']:,} decisions"
    text = (
        "Payoffs and moves of this world are choices, not estimates. This page solves it exactly "
        f"under {words.count_words(found)} settings of them and says what stays and what does not."
    )
    link = None if back is None else tag("p", tag("a", "Back to the comparison", href=back))
    lead = [tag("p", answer(found), class_="answer"), tag("p", text, class_="lead"), link]
    made = [
        ("conclusions", "What holds, and what changes", _conclusions(found)),
        ("settings", "The settings", _settings(found)),
        ("price", "What parity costs", _prices(found)),
        ("people", "Where each group ends", _people(found)),
        ("limits", "What this page does not say", _limits(found)),
    ]
    return document(title, lead, made, tag("p", "Made by evenhand. No script, no network."))


def _conclusions(found: dict[str, Any]) -> Markup:
    made = conclusions(found)
    parts = []
    for holds, heading in ((False, "Changes between settings"), (True, "The same in all settings")):
        items = [tag("li", c.text) for c in made if c.holds is holds]
        if items:
            mark = "\N{CHECK MARK}" if holds else "\N{UP DOWN ARROW}"
            parts += [
                tag("h3", tag("span", mark, aria_hidden="true"), f" {heading}"),
                tag("ul", *items, class_="holds" if holds else "changes"),
            ]
    return join(*parts, tag("p", RULE, class_="note"))


def _settings(found: dict[str, Any]) -> Markup:
    whys = [found["assumed"][name] for name in _VARIED if name in found["assumed"]]
    own = "; ".join(dict.fromkeys(whys))
    told = [own, *(s["why"] for s in found["settings"][1:])]
    reasons = [
        (s["name"], f"{why[:1].upper()}{why[1:]}.")
        for s, why in zip(found["settings"], told, strict=True)
    ]
    text = (
        "One number changes at a time, so a change of conclusion has one cause; the cost of a "
        "default varies in both directions. Break-even is the repayment probability at which an "
        "approval earns nothing."
    )
    profits = tag(
        "p",
        "Profits are what the lender earns in expectation over an episode; below, the loss "
        "against the optimum. Levels are those from which a first application is approved. The "
        "optimum may lend below break-even on early applications, because "
        "a repaid loan makes a better applicant later.",
    )
    return join(
        tag("p", text),
        tables.settings_table(found),
        definitions(reasons),
        tag("h3", "The best policies in each"),
        profits,
        tables.best_table(found),
    )


def _prices(found: dict[str, Any]) -> Markup:
    names = words.told(found)
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
    return join(tag("p", text), tables.price_table(found), drawing)


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
        parts += [tag("h3", setting["name"]), tables.fates_table(found, setting)]
    return join(*parts)


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
            tag(
                "div",
                definitions([(tag("code", n), w) for n, w in others.items()]),
                class_="marked",
            ),
        ]
    return join(*parts)
