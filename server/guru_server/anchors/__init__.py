"""Places outside the database that hold checkpoints of the audit log. They never hold a row of it."""
