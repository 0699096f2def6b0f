"""Raw JSON, as devices and websites wrote it, to typed records; nothing is lost on the way.

Common readers lose records in silence: Spark keeps one of the objects on a line, Sail takes
"123" for 123, and DuckDB gives nulls for lines that end in commas. Here every whole object
becomes a record or is kept with the reason why not, on every engine alike:

    blocks      a file's bytes, cut where no record can be
    columnar    well-formed lines by the million, by Arrow's JSON reader
    recovery    everything else, one object at a time
    staging     all files of a folder, into Parquet
    shape       a landing table's columns, as Arrow and as the keys of objects
    contract    the columns of the staged copy

Landing data is read by this process and not by the engine's workers: so one program decides
what a record is, whatever engine runs the rest.
"""
