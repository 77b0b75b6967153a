"""The lessons as files: scripts as they are here, and the notebooks that they become."""
from os import PathLike
from pathlib import Path

from refapprox import files
from refapprox.lessons.percent import notebook


def lesson_paths() -> list[Path]:
    """The scripts of all lessons, in their order.

    Returns
    -------
    list of pathlib.Path

    Examples
    --------
    >>> lesson_paths()[0].name
    'lesson_01_one_wrong_product.py'
    """
    return sorted((Path(__file__).parent / "scripts").glob("lesson_*.py"))


def write_lessons(folder: str | PathLike, *, force: bool = False) -> list[Path]:
    """Write every lesson into a folder, as a script and as a notebook.

    Files that are there already and are the same stay as they are. If one has been changed, nothing is written.

    Parameters
    ----------
    folder : str or path
        It is made where it is missing.
    force : bool, optional
        Overwrite what has been changed.

    Returns
    -------
    list of pathlib.Path
        All files of the lessons there, script and notebook of each.

    Raises
    ------
    ValueError
        If a file is there that differs from what would be written, and `force` is not set.
    OSError
        If the folder cannot be made or written into.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in write_lessons(folder)[:2]]
    ['lesson_01_one_wrong_product.py', 'lesson_01_one_wrong_product.ipynb']
    """
    folder, wanted = files.make_folder(folder), {}
    for path in lesson_paths():
        script = files.read_text(path)
        wanted |= {folder / path.name: script, folder / f"{path.stem}.ipynb": notebook(script)}
    there = {path: path.exists() and files.read_bytes(path) == text.encode() for path, text in wanted.items()}
    changed = [path.name for path, same in there.items() if path.exists() and not same]
    if changed and not force:
        raise ValueError(f"force must be set to overwrite what differs from the lessons in {folder}: "
                         f"{', '.join(changed)}.")
    for path, same in there.items():
        if not same:
            files.write_text(path, wanted[path])
    return list(wanted)
