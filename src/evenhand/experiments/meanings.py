"""What the page says of its methods and measures in words."""

from evenhand.experiments.estimates import Estimates
from evenhand.experiments.markup import Markup, tag
from evenhand.experiments.page import table
from evenhand.experiments.summary import metric_titles
from evenhand.experiments.wording import (
    criterion_words,
    is_admissions,
    measure_words,
    method_meaning,
    method_title,
)


def methods_list(estimates: Estimates) -> Markup | None:
    """One line about every method that this page can explain."""
    labels = tuple(estimates.run.world.get("level_labels", ()))
    told = [
        (method_title(m), f"{meaning}{_ruined(estimates, m)}")
        for m in estimates.run.methods
        if (meaning := method_meaning(m, labels))
    ]
    items = [tag("li", tag("strong", name), f": {words}.") for name, words in told]
    return tag("ul", *items) if items else None


def _ruined(estimates: Estimates, method: str) -> str:
    """What to add where a method loses all the cash, which ends an episode early."""
    cash = estimates.run.world.get("cash")
    ruined = cash is not None and (estimates.values(method, "return") <= 1 - cash).mean()
    if not ruined:
        return ""
    return f"; it loses the bank's whole cash of {cash:,.0f}, and nobody is lent to after that"


def measures_table(estimates: Estimates) -> Markup:
    """What each measure of the run means, and whom a bad value harms."""
    head = tag(
        "tr", *(tag("th", t, scope="col") for t in ("Measure", "Definition", "Who is harmed"))
    )
    admits = is_admissions(estimates.run.experiment)
    words = [measure_words(metric, admits) for metric in metric_titles(estimates)]
    rows = [
        tag("tr", tag("th", w.title, scope="row"), tag("td", w.meaning), tag("td", w.harm))
        for w in words
        if w.meaning
    ]
    for criterion in estimates.criteria:
        said = criterion_words(criterion)
        meaning = f"{said.meaning[:1].upper()}{said.meaning[1:]}; the exact line holds it ex ante."
        harm = "The group on the lower side; which one it is shows in the columns by group."
        rows.append(
            tag("tr", tag("th", said.title, scope="row"), tag("td", meaning), tag("td", harm))
        )
    return table([head], rows, "What each measure means", "text")
