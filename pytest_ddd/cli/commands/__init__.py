"""One module for each verb: `configure(parser)` says what it takes, `run(arguments)` does it."""
