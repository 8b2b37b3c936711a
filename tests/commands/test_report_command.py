import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from evenhand.commands.report import ReportOptions, run, show
from evenhand.core.errors import InputError

sys.path.insert(0, str(Path(__file__).parents[1] / "experiments"))
from runs import MadeUp


def test_report_writes_the_page_and_prints_where_it_is(tmp_path):
    folder = MadeUp(methods=("ppo",), without=("series", "distributions")).write(tmp_path)
    result = run(ReportOptions(folder))
    console = Console(record=True, width=200, file=io.StringIO())
    show(result, console)
    printed = console.export_text()
    assert result["answer"] in " ".join(printed.split())
    assert str(tmp_path / "report.html") in printed
    assert (tmp_path / "report.html").is_file()


def test_report_refuses_what_is_not_a_run(tmp_path):
    with pytest.raises(InputError, match="not the folder of a run"):
        run(ReportOptions(tmp_path))


def test_importing_the_command_loads_neither_plots_nor_tables():
    program = (
        "import sys, evenhand.commands.report;"
        "sys.exit(any(m in sys.modules for m in ('matplotlib', 'polars', 'jax')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
