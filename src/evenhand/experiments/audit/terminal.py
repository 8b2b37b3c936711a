"""An audit on a terminal: a table by group, what other assumptions change, and the sentences."""

from typing import TYPE_CHECKING, Any

from evenhand.experiments.lists import listed
from evenhand.experiments.terminal_table import add_column, add_row, plain_table
from evenhand.experiments.wording import criterion_words, figure_of

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_ROWS = (
    ("approvals", "approvals", "number"),
    ("approval rate", "approval_rate", "share"),
    ("recall", "recall", "share"),
    ("default rate of the approved", "default_rate", "share"),
    ("profit", "profit", "reward"),
    ("profit per decision", "profit_per_decision", "reward"),
    ("gain per person", "gain_per_person", "gain"),
    ("  caused by the policy", "gain_caused_per_person", "gain"),
    ("mean score at the start", "start_score", "levels"),
    ("mean score at the end", "end_score", "levels"),
)
# Of a name of a group; the sentences below have it in full.
_MOST_LETTERS = 24


def show_audit(result: dict[str, Any], console: "Console") -> None:
    """Print the audit that `as_dict` holds."""
    head = f"{result['policy']['title']} on {result['population']}, {result['steps']:,} decisions: "
    head += f"profit {figure_of(result['profit'])}"
    console.print(head, style="bold", markup=False, highlight=False)
    for groups in _beside(result, console):
        console.print(_groups(result, groups))
    if result["frontier"]:
        console.print(_frontier(result))
    for sentence in result["sentences"]:
        console.print(sentence, markup=False, highlight=False)
    for conclusion in result["conclusions"]:
        if conclusion["changes_in"]:
            console.print(_changes(conclusion), markup=False, highlight=False)
    for note in result["notes"]:
        console.print(f"Note: {note}.", style="yellow", markup=False, highlight=False)
    for name, why in result["assumed"].items():
        text = f"Assumed, not estimated: {name}: {why}."
        console.print(text, style="dim", markup=False, highlight=False)
    if result["page"]:
        console.print(f"page: {result['page']}", markup=False, highlight=False, soft_wrap=True)


def _beside(result: dict[str, Any], console: "Console") -> list[list[str]]:
    """The groups in rows, as many beside each other as the width takes."""
    free = console.options.update_width(10_000)  # at its own width rich answers with no more
    rows: list[list[str]] = [[]]
    for group in result["groups"]:
        table = _groups(result, [*rows[-1], group])
        if rows[-1] and console.measure(table, options=free).maximum > console.width:
            rows.append([])
        rows[-1].append(group)
    return rows


def _groups(result: dict[str, Any], groups: list[str]) -> "Table":
    table = plain_table()
    add_column(table, "", no_wrap=True)
    for group in groups:
        add_column(table, group, justify="right", no_wrap=True, max_width=_MOST_LETTERS)
    for title, name, unit in _ROWS:
        values = (figure_of(result["by_group"][g][name], unit) for g in groups)
        add_row(table, [title, *values])
    return table


def _frontier(result: dict[str, Any]) -> "Table":
    table = plain_table("Beside the exact frontier (policies by group, level and visit)")
    add_column(table, "criterion")
    for head in ("its own", "best profit there", "earns less by", "least at its profit"):
        add_column(table, head, justify="right")
    for row in result["frontier"]:
        words = criterion_words(row["criterion"])
        cells = [
            words.title.lower(),
            figure_of(row["disparity"], words.unit),
            figure_of(row["best_profit"]),
            figure_of(row["gap"]),
            figure_of(row["least_disparity"], words.unit),
        ]
        add_row(table, cells)
    return table


def _changes(conclusion: dict[str, Any]) -> str:
    """One conclusion that hangs on an assumption, and the assumptions that change it."""
    found: dict[str, list[str]] = {}
    own, *_ = conclusion["verdicts"].values()
    for name, verdict in conclusion["verdicts"].items():
        if verdict != own:
            found.setdefault(verdict, []).append(name.lower())
    told = "; ".join(f"{verdict} with {listed(names)}" for verdict, names in found.items())
    return f"changes  {conclusion['question']}: {own}; {told}."
