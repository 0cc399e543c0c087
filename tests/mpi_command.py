"""The command line as a program of an MPI job."""

from fastsgd.cli import main

if __name__ == "__main__":
    main()
