"""What the page says of its methods and measures in words."""

from collections.abc import Iterable, Sequence

from evenhand.experiments.estimates import Estimates
from evenhand.experiments.markup import Markup, tag
from evenhand.experiments.page import table
from evenhand.experiments.summary import metric_titles
from evenhand.experiments.variants import base_method, variant_settings
from evenhand.experiments.wording import (
    Measure,
    criterion_words,
    is_admissions,
    measure_words,
    method_meaning,
    method_title,
)


def methods_list(estimates: Estimates) -> Markup | None:
    """One line about every method that this page can explain."""
    labels = tuple(estimates.run.world.get("level_labels", ()))
    families: dict[str, list[str]] = {}
    for method in estimates.run.methods:
        families.setdefault(base_method(method), []).append(method)
    told = [
        (method_title(variants[0] if len(variants) == 1 else base), f"{meaning}{more}")
        for base, variants in families.items()
        if (meaning := method_meaning(base, labels))
        for more in [_run_with(variants) + _ruined(estimates, variants)]
    ]
    items = [tag("li", tag("strong", name), f": {words}.") for name, words in told]
    return tag("ul", *items) if items else None


def _run_with(variants: Sequence[str]) -> str:
    """With which values a method was run, where there are several."""
    told: dict[str, list[str]] = {}
    for field, text in (pair for v in variants for pair in variant_settings(v).items()):
        if text not in told.setdefault(field, []):
            told[field].append(text)
    if len(variants) == 1 or not told:
        return ""
    return "; run with " + ", and ".join(
        f"{field.replace('_', ' ')} {', '.join(texts)}" for field, texts in told.items()
    )


def _ruined(estimates: Estimates, variants: Sequence[str]) -> str:
    """What to add where a method loses all the cash, which ends an episode early."""
    cash = estimates.run.world.get("cash")
    if cash is None or not any(
        (estimates.values(variant, "return") <= 1 - cash).any() for variant in variants
    ):
        return ""
    return f"; it loses the bank's whole cash of {cash:,.0f}, and nobody is lent to after that"


def measures_table(estimates: Estimates) -> Markup:
    """What each measure of the run means, and whom a bad value harms."""
    admits = is_admissions(estimates.run.experiment)
    words = [measure_words(metric, admits) for metric in metric_titles(estimates)]
    for criterion in estimates.criteria:
        said = criterion_words(criterion)
        meaning = f"{said.meaning[:1].upper()}{said.meaning[1:]}; the exact line holds it ex ante."
        harm = "The group on the lower side; which one it is shows in the columns by group."
        words.append(Measure(said.title, said.unit, meaning, harm))
    return words_table(words)


def words_table(measures: Iterable[Measure]) -> Markup:
    """Measures with their definitions and harms, those without a meaning left out."""
    head = tag(
        "tr", *(tag("th", t, scope="col") for t in ("Measure", "Definition", "Who is harmed"))
    )
    rows = [
        tag("tr", tag("th", w.title, scope="row"), tag("td", w.meaning), tag("td", w.harm))
        for w in measures
        if w.meaning
    ]
    return table([head], rows, "What each measure means", "text")
