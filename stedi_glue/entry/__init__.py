"""Who starts a run: the command line, a Glue job, a notebook."""
