"""Great Expectations' verdicts for the price of one look at the data.

Great Expectations asks Spark for one metric after another: 30 to 50 jobs for one suite.
`FusedExecutionEngine` holds its questions back until all are known and puts them in one query:

    domains      which rows a metric is about, as a condition
    metrics      what kind of answer a metric needs, and when
    counts       what can be counted in the common query
    duplicates   uniqueness, by 64-bit hashes first
    distinct     a column's values beside an expected set
    samples      which rows failed, only where some did
    marks        which rules each row broke, once some rows are to be separated
    views        the rows, as a name that SQL rules can select from
    one_query    several frames, one query
    engine       what to answer now, what to hold back

Metrics it does not know take Great Expectations' own way.
"""

from stedi_glue.backends.fused.engine import FusedExecutionEngine
from stedi_glue.backends.fused.marks import Mark, marked

__all__ = ["FusedExecutionEngine", "Mark", "marked"]
