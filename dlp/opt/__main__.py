"""`python -m dlp.opt`, for a tree that is not installed."""

import sys

from dlp.opt.driver import main

sys.exit(main())
