"""`refapprox lessons`: the ten lessons as scripts and notebooks in a folder of one's own."""
from refapprox.lessons import write_lessons


def add_arguments(parser):
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for the scripts and notebooks")
    parser.add_argument("--force", action="store_true", help="overwrite files there that have been changed")


def execute(args):
    paths = write_lessons(args.out, force=args.force)
    scripts = [path for path in paths if path.suffix == ".py"]
    print(f"{len(scripts)} lessons in {args.out}, each as a script and as a notebook:\n")
    for path in scripts:
        print(f"  {path.stem}")
    print(f"\nNext:  cd {args.out}")
    for command, told in ((f"python {scripts[0].name}", "prints, and writes its pictures beside it"),
                          ("jupyter lab", "the same as notebooks; it comes with pip install jupyterlab")):
        print(f"       {command:40s}  {told}")
    print("Every lesson ends with exercises: put your answer in the place of the dots and run it again.")
    return 0
