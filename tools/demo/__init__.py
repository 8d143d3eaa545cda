"""`make demo`: the main job on loopback, from a push to an alert, told step by step."""
