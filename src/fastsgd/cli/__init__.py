"""The command line: ``fastsgd`` and ``python -m fastsgd.cli``.

Results go to stdout, everything else to stderr. Exit codes: 0 good; 1 failed (a file, its data, a
model, a divergence); 2 usage (the command line is wrong by itself); 130 interrupted.
"""


def main():
    """Runs the command line of this process."""
    import sys

    try:
        from fastsgd.cli.app import app
        from fastsgd.cli.errors import open_standard_files

        open_standard_files()
        app(prog_name="fastsgd")
    except (KeyboardInterrupt, OSError) as error:  # before or after a command: --help too prints
        from fastsgd.cli.errors import tell

        sys.exit(tell(error))
