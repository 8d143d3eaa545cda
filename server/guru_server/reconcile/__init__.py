"""From a commit to what each device should be: decide, sign, store, publish; and what people see of it."""
