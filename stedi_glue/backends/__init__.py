"""Where the work runs: engines, the Iceberg catalog, raw landing data, Great Expectations."""
