"""What pipelines and destinations look like: one row per input and per field, from which everything else derives."""
