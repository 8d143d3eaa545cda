"""The command line of GuruRMM, and the API client library."""
