"""Standing queries: which Git names, and what is kept of the answers of devices."""
