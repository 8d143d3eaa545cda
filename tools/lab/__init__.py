"""A whole GuruRMM on loopback, in one folder; for the demo and for tests, never for a real fleet."""
