"""`python -m evenhand` is `evenhand`."""

import sys

from evenhand.cli import main

sys.exit(main())
