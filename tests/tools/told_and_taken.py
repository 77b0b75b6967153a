"""How long a run says it will take, and how long it takes: python -m tests.tools.told_and_taken OPTIONS OF A RUN

On one core, by the processor's clock in both, so that whoever else computes here does not count.
"""
import io
import os
import re
import sys
import time

CORE = min(os.sched_getaffinity(0))


class Both(io.StringIO):
    """What is printed, kept as well."""

    def write(self, text):
        sys.__stdout__.write(text)
        return super().write(text)


def main(options):
    os.sched_setaffinity(0, {CORE})
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    time.perf_counter = time.process_time
    from refapprox import cli
    sys.stdout = printed = Both()
    code = cli.main(["run", *options])
    sys.stdout = sys.__stdout__
    told = re.search(r"about (.*) in all", printed.getvalue())
    print(f"told {told[1] if told else 'nothing'}, taken {time.process_time():.0f} s of processor time")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
