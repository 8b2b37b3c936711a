"""What may import what, as written in `.importlinter`."""

import subprocess
import sys
from pathlib import Path


def test_imports_point_downwards(root: Path):
    program = "import sys; from importlinter.cli import lint_imports_command as c; sys.exit(c())"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
