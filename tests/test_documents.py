"""What the documents show is run, and says what it says it prints."""

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from evenhand.cli import COMMANDS
from evenhand.commands.flags import parse
from evenhand.core import registry

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def run_blocks(path: Path) -> None:
    code = "\n".join(BLOCK.findall(path.read_text()))
    exec(compile(code, str(path), "exec"), {})


def test_the_readme_prints_what_it_says(capsys):
    run_blocks(ROOT / "README.md")
    assert f"It prints `{capsys.readouterr().out.strip()}`" in (ROOT / "README.md").read_text()


PAGES = sorted(path.name for path in (ROOT / "docs").glob("*.md") if BLOCK.search(path.read_text()))


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_run_from_top_to_bottom(page, monkeypatch):
    # What a page registers is gone afterwards.
    monkeypatch.setattr(registry, "ENVIRONMENTS", dict(registry.ENVIRONMENTS))
    run_blocks(ROOT / "docs" / page)


def commands():
    """Every line of shell that calls evenhand, with the page it stands on."""
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for block in SHELL.findall(path.read_text()):
            for line in block.splitlines():
                if line.startswith("evenhand "):
                    words = shlex.split(line, comments=True)
                    yield pytest.param(words[1:], id=f"{path.name}: {' '.join(words)}")


@pytest.mark.parametrize("words", list(commands()))
def test_the_shell_lines_are_commands_with_options_that_exist(words):
    name, *rest = [word for word in words if word != "--json"]
    if name == "COMMAND":
        return
    command = COMMANDS[name]
    module = import_module(command.module)
    assert rest == ["--help"] or parse(getattr(module, command.options), name, "", rest)


def test_the_bibliography_has_each_key_once_and_every_key_a_title_and_a_year():
    entries = re.split(r"^@", (ROOT / "docs" / "references.bib").read_text(), flags=re.MULTILINE)[
        1:
    ]
    keys = [re.match(r"\w+\{(\w+),", entry)[1] for entry in entries]
    assert keys == sorted(set(keys))
    for entry in entries:
        assert re.search(r"^  title +=", entry, re.MULTILINE)
        assert re.search(r"^  year +=", entry, re.MULTILINE)


def test_every_decision_is_numbered_once():
    numbers = [path.name[:4] for path in (ROOT / "docs" / "decisions").glob("[0-9]*.md")]
    assert sorted(numbers) == [f"{n:04}" for n in range(1, len(numbers) + 1)]


def test_the_shape_checker_watches_the_library():
    from evenhand.experiments.compilation import configure_compilation

    with pytest.raises(Exception, match="Type-check error"):
        configure_compilation(3)
