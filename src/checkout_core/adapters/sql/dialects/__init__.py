"""One module per database, each with the same primitives."""
