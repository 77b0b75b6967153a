"""What the specification is written in: operations, the parts they are made of, known mistakes, examples.

An *operation* is what an adapter may offer; its definition is plain Python. A *part* is a step that definitions share
and that somebody got wrong: a function, its known mistakes, and the conventions by which good frameworks differ.
A definition calls its parts; evaluated under a mistake it calls what the mistake makes of them. So every
operation knows the mistakes of its parts, and nothing but the part says what a mistake is.
"""
import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

MISTAKES = {}        # name -> what it is, where it was seen
QUESTIONS = {}       # what conventions differ about -> their names, refapprox's first
OPERATIONS = {}      # name -> Operation
FAMILIES = {}        # name -> function that yields its Examples, in the order in which a reader meets the subjects
TOGETHER = []        # pairs of mistakes that meet in one step, so that their effects do not add up

_CURRENT = ContextVar("evaluation", default=None)


class Refused(ValueError):
    """What a definition raises for arguments that have no answer."""


class Evaluation:
    """The deviations of one call of a definition, and the parts that it met."""

    def __init__(self, deviations):
        self.deviations, self.met = deviations, set()


def deviations():
    """The deviations of the evaluation at hand: part of the key of what is kept within one."""
    current = _CURRENT.get()
    return tuple(current.deviations) if current else ()


class Part:
    """A step of definitions, replaced where an evaluation deviates in it.

    Parameters
    ----------
    what : str
        What it gives.
    right : callable
        The step, of positional arguments.
    mistakes : dict, optional
        name -> (what the mistake is and where it was seen, what it makes of the step); what it makes of the step alone
        where another part explains it.
    conventions : dict, optional
        question -> name of a convention -> the step by it; the first is refapprox's, the step as it is: None.
    compose : callable, optional
        Of two mistaken steps what both make of it at once; without it the first of two mistakes is made.
    """

    def __init__(self, what, right, mistakes=None, conventions=None, compose=lambda first, second: first):
        self.__doc__, self.right, self.others, self.compose = what, right, {}, compose
        for name, wrong in (mistakes or {}).items():
            if isinstance(wrong, tuple):
                sentence, wrong = wrong
                if name in MISTAKES:
                    raise ValueError(f"mistake {name!r} is explained twice.")
                MISTAKES[name] = sentence
            self.others[name] = wrong
        for question, answers in (conventions or {}).items():
            QUESTIONS[question] = list(answers)
            self.others.update({(question, name): other for name, other in answers.items() if other})

    def __call__(self, *args):
        current = _CURRENT.get()
        if current is None:
            return self.right(*args)
        current.met.add(self)
        wrong = [self.others[name] for name in current.deviations if name in self.others]
        return functools.reduce(self.compose, wrong)(*args) if wrong else self.right(*args)


def part(mistakes, conventions=None):
    """Decorator that makes a Part of a function whose docstring says what it gives."""
    return lambda right: Part(right.__doc__, right, mistakes, conventions)


@dataclass(frozen=True)
class Operation:
    """An operation with its definition.

    Attributes
    ----------
    name : str
    outputs : tuple of str
        Names of what the definition returns, in order.
    definition : callable
        Plain Python; its keyword arguments are the operation's, its docstring is the specification.
    check : callable
        (inputs, outputs) -> how answers are compared, see `comparing`.
    reference : str
        Heading of docs/conformance.md with the rule.
    stored : callable
        Outputs -> what a case keeps of them; the outputs themselves but for whole tables and drawn rows.
    """

    name: str
    outputs: tuple
    definition: Callable
    check: Callable
    reference: str
    stored: Callable

    def __call__(self, **inputs):
        """What the definition returns: an output, or a tuple of them."""
        return self.definition(**inputs)

    def evaluate(self, inputs, deviations=()):
        """(outputs by name, parts that were met) under the named mistakes and (question, convention) pairs.

        An output is "refused" where the definition refuses; outputs are None where a mistake has no answer
        (a division by 0, a geometry that does not fit).
        """
        evaluation = Evaluation(deviations)
        token = _CURRENT.set(evaluation)
        try:
            returned = self.definition(**inputs)
            outputs = dict(zip(self.outputs, returned if isinstance(returned, tuple) else (returned,), strict=True))
        except Refused as error:
            outputs = dict.fromkeys(self.outputs, "refused")
            evaluation.reason = str(error)
        except (ArithmeticError, IndexError):
            if not deviations:
                raise
            outputs = None
        finally:
            _CURRENT.reset(token)
        return outputs, evaluation

    @property
    def signature(self):
        return inspect.signature(self.definition)


def operation(outputs, reference, check, stored=lambda outputs: outputs):
    """Decorator of a definition: it becomes the Operation of its name."""
    def register(definition):
        made = Operation(definition.__name__, tuple(outputs.split()), definition, check, reference, stored)
        OPERATIONS[made.name] = made
        return made
    return register


def family(name):
    """Decorator of a function that yields the Examples of the family `name`."""
    def register(examples):
        FAMILIES[name] = examples
        return examples
    return register


def mistakes_of(evaluation):
    """Names of the mistakes that can show in a definition, by the parts that an evaluation met; "a + b" at the end."""
    known = {name for part in evaluation.met for name in part.others}
    return [name for name in MISTAKES if name in known] + [
        " + ".join(pair) for pair in TOGETHER if known.issuperset(pair)]


def questions_of(evaluation):
    """The questions that the parts of an evaluation leave to conventions."""
    known = {key[0] for part in evaluation.met for key in part.others if isinstance(key, tuple)}
    return [question for question in QUESTIONS if question in known]
