"""How fast it is, against what else one could use.

    pip install -e '.[benchmark]'       # the peers of `audit`, and psutil for `scale`

    python -m tests.benchmarks pipeline --rows 10M --engine sail --repeat 3
    python -m tests.benchmarks start --landing path/to/landing --repeat 3
    python -m tests.benchmarks audit --rows 5M --engine spark --repeat 5
    python -m tests.benchmarks scale --sizes 1M,3M,10M,30M
    python -m tests.benchmarks page

pipeline and start: `gated` is the product as it is, `ungated` the same transforms and writes
without audits and documentation, `naive` a plain local Spark script. Contenders take turns, each
in a fresh process with a fresh lake, and must make equally many rows. Seconds are of the whole
process, interpreter start to exit; `run` leaves out the interpreter and its first imports, and
still has the start of the engine in it.

audit: every contender judges one Parquet table by the same rules in a process of its own, and
they take turns. Engine start and imports are left out, everything else counts. Before that, all
must find the broken rules of two spoiled tables. `raw` is one aggregate written by hand, the
floor; `stock` is Great Expectations without this project's execution engine.

scale: seconds and peak resident memory of the process and its children. An exponent of 1 is
linear growth, below it is better.

page: seconds in headless Chromium, from asking for a page to its first text or picture and to
its load event, each time in a new window without a cache.

A ratio `a_over_b` is the median of a divided by the median of b. With --json, results are one
object on standard output; progress goes to standard error. Invented landing data is 160 bytes a
row and is kept in the folder of --data; lakes are deleted after each run. Compare ratios, not
seconds, of machines; and look at `load_average` (at the start, of one minute) before you trust
either.
"""
