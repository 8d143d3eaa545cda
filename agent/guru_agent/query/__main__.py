"""What the agent starts to have one query answered: `python -m guru_agent.query [ROOT]`."""

import sys

from guru_agent.query.worker import main

if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
