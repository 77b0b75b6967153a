"""Write the cases: ``python -m refapprox.conformance.generator [FOLDER]``, by default where the package reads them."""
import sys

from refapprox.conformance.generator.writing import write_suite
from refapprox.conformance.suite import FOLDER

if __name__ == "__main__":
    write_suite(sys.argv[1] if len(sys.argv) > 1 else FOLDER)
