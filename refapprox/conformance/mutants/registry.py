"""Where mutants register under the mistake that they make."""

MUTANTS = {}      # mistake -> Adapter subclass


def mutant(mistake):
    """Class decorator: `mistake` is what the class does wrong."""
    def register(cls):
        if mistake in MUTANTS:
            raise ValueError(f"mistake {mistake!r} has a mutant already: {MUTANTS[mistake].__name__}.")
        MUTANTS[mistake] = cls
        return cls
    return register
