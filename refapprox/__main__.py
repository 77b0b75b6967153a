"""`python -m refapprox` is the command line program."""
import sys

from refapprox.cli import main

if __name__ == "__main__":
    sys.exit(main())
