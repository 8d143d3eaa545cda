"""Who may do what: roles and bindings of a revision, and the one decision about them. No I/O, no clock."""
