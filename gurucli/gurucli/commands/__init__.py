"""One file a verb: `run` is the command, EXAMPLES open its help, COLUMNS are its fields."""
