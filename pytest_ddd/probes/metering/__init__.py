"""Where the numbers of a metric come from."""
