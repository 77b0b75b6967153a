"""`refapprox compare`: several runs on one page."""
from pathlib import Path

from refapprox import files
from refapprox.main_job.summary import read_summary
from refapprox.report.compare import page_of, text_of


def add_arguments(parser):
    parser.add_argument("runs", nargs="+", metavar="RUN",
                        help="folder of a run; unfinished ones count as far as they went")
    parser.add_argument("--out", metavar="FILE", help="write one HTML page there")


def execute(args):
    summaries = [read_summary(path) for path in args.runs]
    print(text_of(summaries))
    if args.out:
        files.make_folder(Path(args.out).parent)
        files.write_text(args.out, page_of(summaries, command=args.command_line))
        print(f"\npage in {args.out}")
    return 0
