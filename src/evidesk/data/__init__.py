"""Data that travel with evidesk, each folder with its licence and a README on its origin."""

from pathlib import Path

_ROOT = Path(__file__).parent


def path(name: str) -> Path:
    """Where the data file ``name`` lies, for example ``"sota_on_uncertainties/README.md"``.

    Raises
    ------
    FileNotFoundError : there is no such file; the message lists those there are.
    """
    files = {file.relative_to(_ROOT).as_posix(): file for file in sorted(_ROOT.glob("*/*.*"))}
    if name not in files:
        raise FileNotFoundError(f"There is no data file {name!r}. There are: {', '.join(files)}.")
    return files[name]
