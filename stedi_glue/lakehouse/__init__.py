"""The lakehouse: one object that opens a lake, fills it and reads it."""

from stedi_glue.lakehouse.changing import Lakehouse
from stedi_glue.lakehouse.opened import CATALOGS
from stedi_glue.lakehouse.reading import TableState

__all__ = ["CATALOGS", "Lakehouse", "TableState"]
