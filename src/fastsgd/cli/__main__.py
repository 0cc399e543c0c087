"""Runs the command line: ``python -m fastsgd.cli``."""

from fastsgd.cli import main

main()
