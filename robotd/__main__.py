"""`python -m robotd` is `robotd`."""

from robotd.cli import main

main()
