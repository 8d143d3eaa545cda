"""Fleet's GitOps files (default.yml, teams/*.yml) read as objects of a fleet repository. It asks no server."""
