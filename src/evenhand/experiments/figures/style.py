"""How every figure looks, and how it becomes a file or a piece of a page."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from evenhand.experiments.figures.compact import smaller

# Inches. Shown on a page, "wide" grows by about 1.5 and "narrow" by about 1.3.
WIDTHS = {"wide": 7.2, "narrow": 3.6}

INK, MUTED, GRID, SHADE, PAPER = "#1b1f24", "#59616c", "#dfe3e8", "#eceff3", "#fefefe"
# Distinguishable with every common colour blindness, and by lightness; text contrast above 4.5.
GROUP_COLOURS = ("#0067a5", "#c44a00", "#00785c", "#9a4d86", "#7c6400", "#3d7f9c")
METHOD_COLOURS = (
    *("#5a3ea6", "#a3195b", "#0f7068", "#876600", "#b0423a", "#2b6a99"),
    *("#4a7310", "#6c5348"),
)
GROUP_LINES = ("-", (0, (5, 1.6)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), "-", (0, (5, 1.6)))
GROUP_MARKERS = ("o", "s", "^", "D", "v", "P")
# Twice as many markers as colours: a method whose colour comes again has a marker of its own.
METHOD_MARKERS = (
    *("o", "s", "^", "D", "v", "P", "X", "p"),
    *("<", ">", "*", "h", "d", "H", "8", "|"),
)

# On a dark page every colour above is exchanged for one of these, by a CSS variable.
DARK = {
    **{INK: "#e8eaed", MUTED: "#a5adb8", GRID: "#3a4049", SHADE: "#262b32", PAPER: "#1a1d22"},
    **dict(
        zip(
            GROUP_COLOURS,
            ("#5fb4ee", "#ff9a5a", "#48cfa4", "#e3a2cd", "#dcbf4a", "#93cbe3"),
            strict=True,
        )
    ),
    **dict(
        zip(
            METHOD_COLOURS,
            (
                *("#b5a0f5", "#f582b3", "#5fd0c5", "#e2c04a", "#f59a90", "#80bdec"),
                *("#a8d468", "#cbb2a6"),
            ),
            strict=True,
        )
    ),
}

_FONTS = "'Helvetica Neue', Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"

_SETTINGS: Any = {
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    # matplotlib brings DejaVu Sans along, so sizes are the same everywhere; a browser's own
    # sans-serif is narrower, so nothing that fits here overflows there.
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.facecolor": "none",
    "axes.unicode_minus": True,
    "grid.color": GRID,
    "grid.linewidth": 0.5,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.7,
    "lines.solid_capstyle": "round",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
}


@contextmanager
def styled() -> Iterator[None]:
    """The look of every figure; matplotlib's own settings are untouched outside."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield


def new_figure(width: str, height: float) -> Figure:
    """An empty figure of a named width, `height` in inches, that can measure its own text."""
    figure = Figure(figsize=(WIDTHS[width], height))
    FigureCanvasAgg(figure)
    return figure


def margins(figure: Figure, left: float, right: float, bottom: float, top: float, **gaps: float):
    """Set the margins around the axes, in inches."""
    wide, high = figure.get_size_inches()
    figure.subplots_adjust(
        left=left / wide, right=1 - right / wide, bottom=bottom / high, top=1 - top / high, **gaps
    )


def group_look(index: int) -> dict[str, Any]:
    """Colour, line style and marker of a group: never colour alone."""
    turn, number = divmod(index, len(GROUP_COLOURS))
    # Where colours come again, they come with the next line and marker.
    line = (number + turn) % len(GROUP_LINES)
    marker = GROUP_MARKERS[(number + turn) % len(GROUP_MARKERS)]
    return {"color": GROUP_COLOURS[number], "linestyle": GROUP_LINES[line], "marker": marker}


def method_look(index: int) -> tuple[str, str]:
    """Colour and marker of a method; no two of the first 16 share both."""
    colour = METHOD_COLOURS[index % len(METHOD_COLOURS)]
    return colour, METHOD_MARKERS[index % len(METHOD_MARKERS)]


def method_line(index: int) -> Any:
    """Line style of a method: dash-dotted where its colour is that of an earlier one."""
    return "-" if index < len(METHOD_COLOURS) else (0, (6, 1.5, 1.2, 1.5))


def save(figure: Figure, path: str | Path) -> Path:
    """Write a figure as .pdf, .png (300 dpi) or .svg; the same figure gives the same bytes."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".svg":
        path.write_text(svg(figure, path.stem), encoding="utf-8")
        return path
    dateless = {"CreationDate": None} if path.suffix == ".pdf" else {"Software": None}
    with styled():
        figure.savefig(path, dpi=300, facecolor="white", metadata=dateless)
    return path


def svg(figure: Figure, name: str) -> str:
    """The figure as one SVG element; text stays text, ids start with `name` so two share a page."""
    page = io.StringIO()
    with styled(), mpl.rc_context({"svg.hashsalt": name}), warnings.catch_warnings():
        # Text stays text: whoever shows it brings the letters that our font lacks.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        figure.savefig(page, format="svg", metadata={"Date": None, "Creator": None})
    text = page.getvalue()
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = text.replace("'DejaVu Sans'", _FONTS)
    text = smaller(text)
    safe = re.sub(r"[^\w-]", "-", name)
    text = re.sub(r'\bid="', f'id="{safe}-', text)
    text = re.sub(r'href="#', f'href="#{safe}-', text)
    return re.sub(r"url\(#", f"url(#{safe}-", text)


def themed(drawing: str) -> str:
    """An SVG whose colours follow the page's theme, as CSS variables; its font is the page's."""
    drawing = re.sub(r"font-family:[^;\"]*;", "", drawing)
    for light in DARK:
        drawing = drawing.replace(light, f"var({_variable(light)})")
    return drawing


def theme_css() -> tuple[str, str]:
    """The CSS variables of a light and of a dark page."""
    light = "".join(f"{_variable(colour)}:{colour};" for colour in DARK)
    dark = "".join(f"{_variable(colour)}:{other};" for colour, other in DARK.items())
    return light, dark


def _variable(colour: str) -> str:
    return f"--c{colour[1:]}"
