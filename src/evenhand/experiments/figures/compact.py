"""The same drawing in half the bytes: a page holds every figure twice."""

import re

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def smaller(drawing: str) -> str:
    """An SVG rounded to a tenth of a point, without what nothing refers to or nobody sees."""
    drawing = re.sub(r' d="([^"]*)"', lambda path: f' d="{_path(path[1])}"', drawing)
    drawing = re.sub(r' transform="rotate\(-0 [^"]*"', "", drawing)
    drawing = re.sub(r' ([xy])="(-?\d+\.\d)\d+"', r' \1="\2"', drawing)
    # A marker is stroked as its definition says, whatever its use repeats.
    drawing = re.sub(r"<use[^>]*>", lambda use: re.sub(r"stroke[^;\"]*;? ?", "", use[0]), drawing)
    named = set(re.findall(r'(?:href="|url\()#([^")]+)', drawing))
    drawing = re.sub(r' id="([^"]*)"', lambda name: name[0] if name[1] in named else "", drawing)
    drawing = re.sub(r' style="[^"]*"', lambda css: re.sub(r"([:;]) ", r"\1", css[0]), drawing)
    return re.sub(r">\s*\n\s*<", "><", drawing)


def _path(data: str) -> str:
    """Path data in tenths of a point; one of straight lines by its steps."""
    if not re.fullmatch(r"[MLz\s\d.-]+", data):
        data = re.sub(r"(\.\d)\d+", r"\1", data)
        return " ".join(data.split())
    parts = []
    for piece in filter(None, re.split(r"(?=M)", data)):
        numbers = [round(10 * float(n)) for n in _NUMBER.findall(piece)]
        steps = [b - a for a, b in zip(numbers, numbers[2:], strict=False)]
        start, rest = (" ".join(f"{n / 10:g}" for n in ns) for ns in (numbers[:2], steps))
        end = "z" if "z" in piece else ""
        parts.append(f"M{start}{'l' if rest else ''}{rest}{end}")
    return "".join(parts)
