"""The programs of a function: each is made when a call first needs it."""

import collections
import functools
import warnings

from kfkd.stack.theano_compile import level_of_program
from kfkd.xla.compilation_cache import compiling
from kfkd.xla.compiler import jit
from kfkd.xla.device import get_device
from kfkd.xla.lengths import VaryingLengths
from kfkd.xla.lowering import where
from kfkd.xla.precision import get_precision
from kfkd.xla.runtime_checks import CallsPython, NeedsChecks
from kfkd.xla.shared_variables import distinct, to_device
from kfkd.xla.specialization import Respecialize, Specialization, hashable
from kfkd.xla.symbolic import NotPaddable

__all__ = ["Programs", "variant"]

_MOST_PROGRAMS = 512  # of a function; those used least recently are dropped
_MOST_KEYS = 2**16  # of calls; with one more, all programs are dropped
# A warning is given when so many of the latest calls have needed a new program.
_MANY = ((10, 10), (20, 40))


def variant():
    """Return what the choices of conversions depend on: each has its own program."""
    return get_device().platform, get_precision()


class Programs:
    """The programs of a function, by what they are made for.

    Parameters
    ----------
    thunk : Thunk
    static_shapes : bool
        Whether to make a program for each shape of the arguments.

    Attributes
    ----------
    jitted : dict
        The programs by the key of their `Specialization`.
    doubt : tuple or None
        The lengths of a call with which something has failed, and the error or None.
        The call is tried again with a program for its shapes alone.
    """

    def __init__(self, thunk, static_shapes):
        self.thunk, self.static_shapes = thunk, static_shapes
        arguments = [] if static_shapes else thunk.storage.arrays_given()
        self.varying = VaryingLengths(arguments)
        self.doubt = None
        self.latest = collections.deque(maxlen=40)  # whether calls needed a program
        self.warned = False
        self.first_shapes = {}  # of shared variables
        self.signatures = {}  # a number for each, as calls have them in keys
        self.calls = {}  # the `CallLengths` by signature and sizes
        self.alone = set()  # such keys of calls with a program for their shapes alone
        self.conditions = {}  # on which programs depend, by the key of a `CallLengths`
        self.guards, self.observed = {}, {}  # of `Specialization`
        self.jitted = {}

    def forget(self):
        """Drop all programs."""
        found = self.signatures, self.calls, self.alone, self.conditions
        for made in (*found, self.guards, self.observed, self.jitted):
            made.clear()

    def settle_doubt(self):
        """Pad no more the lengths that were in doubt, after a call that succeeds."""
        if self.doubt is not None:
            call, error = self.doubt
            self.varying.give_up(call, None, error)

    def find(self, may_pad):
        """Return the program for what is in storage, its arguments and `CallLengths`.

        The last is None if the program is for the shapes alone, as it is unless
        `may_pad`.

        Raises
        ------
        Respecialize
            If lengths that vary turn out to be needed exactly, or something fails for
            which they may be the reason: try again.
        """
        self._limit()
        storage = self.thunk.storage
        donated, kept = storage.shared()
        given, built_in = storage.arguments()
        shared = [*donated.values(), *kept.values()]
        read, compute = functools.cache(storage.read), self.thunk.compute_part
        sizes = self.varying.sizes(given, read, compute) if may_pad else {}
        signature = self._signature(built_in, [*shared, *given.values()])
        call = self._lengths(signature, given, sizes) if may_pad else None
        if call:
            given = {v: call.pad(v, array) for v, array in given.items()}
            signature = (
                *self._signature(built_in, [*shared, *given.values()]),
                call.key,
                call.outcomes(self.conditions.get(call.key, ())),
            )
        kept |= {v: to_device(array) for v, array in given.items()}
        arrays = list(donated.values()), list(kept.values())
        number = self.signatures.setdefault(signature, len(self.signatures))
        specialization = Specialization(
            self.guards, self.observed, number, read, compute
        )
        specialization.evaluate_guards()
        program = self.jitted.pop(specialization.key, None)
        if program is not None:
            self.latest.append(False)
        else:
            variables = [*donated, *kept]
            program = self._compile(variables, built_in, arrays, specialization, call)
            if not self.static_shapes:
                self.varying.add_sizes(specialization.varying())
        # Tracing has made the key longer.  The last is that of the latest use.
        self.jitted[specialization.key] = program
        return program.jitted, program.arguments(arrays, call), call

    def _limit(self):
        if len(self.calls) > _MOST_KEYS:  # which are soon found again
            self.calls.clear()
        if max(map(len, (self.signatures, self.alone, self.guards))) > _MOST_KEYS:
            self.forget()
        while len(self.jitted) >= _MOST_PROGRAMS:
            del self.jitted[next(iter(self.jitted))]

    def _signature(self, built_in, arrays):
        return (
            variant(),
            tuple((v, hashable(value)) for v, value in built_in.items()),
            tuple((a.shape, a.dtype) for a in arrays),
        )

    def _lengths(self, signature, given, sizes):
        """Return the `CallLengths`, or None for a program for these shapes alone."""
        key = signature, *sizes.items()
        if self.doubt is None and key not in self.alone:
            if key not in self.calls:
                self.calls[key] = self.varying.classify(given, sizes)
            if self.calls[key]:
                return self.calls[key]
        self.alone.add(key)
        return None

    def _compile(self, variables, built_in, arrays, specialization, call):
        """Return a new `_Program`; raise as `find` does."""
        shapes = {
            v: array.shape
            for v, array in zip(variables, [*arrays[0], *arrays[1]], strict=True)
            if v not in self.varying.arguments
        }
        self.first_shapes = self.first_shapes or shapes
        of = call and call.new_class()
        jitted = self._jit(variables, built_in, specialization.resolve, call, of)
        program = _Program(jitted, of)
        try:
            with compiling():
                lowered = jitted.lower(*program.arguments(arrays, call))
                if call is None or not self._new_conditions(call, of):
                    lowered.compile()
                    self.latest.append(True)
                    self._warn_of_many(shapes)
                    return program
        except (NeedsChecks, CallsPython, Respecialize):
            raise
        except NotPaddable as error:
            if not self.varying.add_sizes(error.also):
                self.varying.give_up(call, error.places, error)
        except Exception as error:
            if call is None:
                raise
            self.doubt = call, error
        self.calls.clear()
        raise Respecialize

    def _new_conditions(self, call, of):
        """Take note of conditions that a program depends on; return new ones."""
        known = self.conditions.setdefault(call.key, {})
        new = of.conditions.keys() - known.keys()
        known |= of.conditions
        return new

    def _jit(self, variables, built_in, resolve, call, of):
        """Return the jitted program; it must not hold the arrays of a call."""

        def run(donated_arrays, kept_arrays, numbers=None):
            arrays = [*donated_arrays, *kept_arrays]
            values = built_in | dict(zip(variables, arrays, strict=True))
            if call:
                with of.traced(numbers):
                    values = call.as_padded(of, values)
                    returned, new, checks = self.thunk.compute(values, resolve)
            else:
                returned, new, checks = self.thunk.compute(values, resolve)
            return returned, distinct(new, arrays), checks

        return jit(run, donate_argnums=() if self.thunk.checked else 0)

    def _described(self, shared):
        """Return the arguments and those shared variables whose shapes have changed."""
        given, _ = self.thunk.storage.arguments()
        told = [
            f"{v} = {a}" if a.ndim == 0 else f"{v} {a.shape}" for v, a in given.items()
        ]
        told += [f"{v} {s}" for v, s in shared.items() if s != self.first_shapes[v]]
        return ", ".join(told or (f"{v} {s}" for v, s in shared.items()))

    def _warn_of_many(self, shared):
        """Warn once if a function is compiled again and again."""
        latest = list(self.latest)
        many = [(n, of) for n, of in _MANY if sum(latest[-of:]) >= n]
        if not many or self.warned or self.static_shapes:
            return
        self.warned = True
        n, of = many[0]
        node = getattr(self.varying.reason, "node", None)
        because = f"\nLengths must be known exactly at {where(node)}" if node else ""
        warnings.warn(
            f"Mode 'xla': {n} of the last {of} calls of a function have each taken a "
            "program of their own, as each combination of sizes within it does. Sizes "
            f"and numbers are now: {self._described(shared)}. If this goes on, call it "
            "with fewer different ones, such as sentences padded to a few lengths."
            f"{because}",
            stacklevel=level_of_program(),
        )


class _Program:
    """A program that JAX has compiled, and its `LengthClass` if lengths vary."""

    def __init__(self, jitted, of):
        self.jitted, self.of = jitted, of

    def arguments(self, arrays, call):
        """Return what it is called with."""
        if self.of is None:
            return arrays
        return *arrays, self.of.numbers(call.lengths)
