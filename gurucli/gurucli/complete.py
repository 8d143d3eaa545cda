"""`guru-complete`: what TAB runs. Standard library only, no site-packages, nothing that TAB would wait for.

Shells run this very file with `python -I -S`; the work is in gurucli.completing, whose bytecode is cached.
"""

import sys


def main() -> None:
    """Print the candidates for SHELL INDEX WORD... and end with 3 when the shell should offer files."""
    from gurucli.completing import answer

    sys.exit(answer(sys.argv[1:]))


if __name__ == "__main__":
    sys.path.insert(0, __file__.rpartition("gurucli")[0].rstrip("/\\") or ".")
    main()
