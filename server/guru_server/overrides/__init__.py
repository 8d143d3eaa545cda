"""What people put in the place of what Git says, for a while: set, listed, ended. Reconcile compiles with it."""
