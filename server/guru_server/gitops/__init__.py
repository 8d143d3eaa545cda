"""The fleet repository on the server: a bare mirror, trees of commits, the watch and its webhooks."""
