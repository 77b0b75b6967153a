"""python -m tests.benchmarks [section ...]: ratios measured in one run. Sections: see SECTIONS, all by default."""
import sys

from tests.benchmarks import analog, data_difficulty, error_statistics, table_products, training_time
from tests.benchmarks.timing import machine

SECTIONS = {"tables": table_products.tables, "unsigned": table_products.unsigned,
            "routes": table_products.routes, "growth": table_products.growth,
            "memory": table_products.memory, "training": training_time.steps,
            "epoch": training_time.epochs, "profile": training_time.profile, "stats": error_statistics.main,
            "analog": analog.main, "data": data_difficulty.main}


def main(names):
    unknown = set(names) - set(SECTIONS)
    if unknown:
        raise SystemExit(f"unknown section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    print(machine())
    for name in names or SECTIONS:
        SECTIONS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
