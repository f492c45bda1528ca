"""`python -m bench`: see `--help`."""

import sys

from bench.command import main

sys.exit(main())
