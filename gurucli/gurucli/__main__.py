"""`python -m gurucli`: the same as `guru`."""

from gurucli.main import main

main()
