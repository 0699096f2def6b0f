"""The script of every Glue job: make one table of the lake, or all of them."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    from stedi_glue.entry.job import main

    main(sys.argv)
