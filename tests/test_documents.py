"""What the documents show is run, and says what it says it prints."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def run_blocks(path: Path) -> None:
    code = "\n".join(BLOCK.findall(path.read_text()))
    exec(compile(code, str(path), "exec"), {})


def test_the_readme_prints_what_it_says(capsys):
    run_blocks(ROOT / "README.md")
    assert f"It prints `{capsys.readouterr().out.strip()}`" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("page", ["index.md", "tutorial.md"])
def test_the_pages_run_from_top_to_bottom(page):
    run_blocks(ROOT / "docs" / page)


def test_every_decision_is_numbered_once():
    numbers = [path.name[:4] for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md")]
    assert sorted(numbers) == [f"{n:04}" for n in range(1, len(numbers) + 1)]


def test_the_shape_checker_watches_the_library():
    from evenhand.experiments.compilation import configure_compilation

    with pytest.raises(Exception, match="Type-check error"):
        configure_compilation(3)
