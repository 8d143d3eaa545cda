"""Schedules: what devices tell of the commands that they ran by themselves."""
