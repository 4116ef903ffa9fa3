"""Argument parser that suggests the nearest option for a mistyped one."""

import argparse
import os
import re
import sys

from kfkd.messages import hint

__all__ = ["Parser"]


class Parser(argparse.ArgumentParser):
    """A parser whose error for an unknown option or sub-command names the nearest one.

    argparse itself reports an unknown option only after it has parsed all others, and
    may have misread what follows it.
    """

    def __init__(self, *args, **kwargs):
        self._subparsers_action = None
        super().__init__(*args, **kwargs)

    def add_subparsers(self, **kwargs):
        """Add sub-parsers as argparse does."""
        self._subparsers_action = super().add_subparsers(**kwargs)
        return self._subparsers_action

    def parse_args(self, args=None, namespace=None):
        """Parse as argparse does, after a check of the names."""
        return super().parse_args(self._check(args), namespace)

    def parse_intermixed_args(self, args=None, namespace=None):
        """Parse as argparse does, after a check of the names."""
        args = self._check(args)
        if "--" in args:  # argparse forgets it after the first of two rounds
            after = args.index("--") + 1
            args[after:] = [
                os.path.join(".", word) if word.startswith("-") else word
                for word in args[after:]
            ]
        return super().parse_intermixed_args(args, namespace)

    def _check(self, args):
        args = [*map(str, sys.argv[1:] if args is None else args)]
        if self._subparsers_action is None:
            self._check_options(args)
        elif args:
            self._check_choice(args)
        return args

    def _check_options(self, args):
        for word in args:
            if word == "--":
                return
            name = word.partition("=")[0]
            # Negative numbers and texts are arguments.
            if re.fullmatch(r"-+[^\W\d_][^ ]*", name) and not self._is_option(name):
                near = hint(f"--{name.strip('-')}", self._option_string_actions)
                if os.path.exists(word):
                    near = f"; the file of this name is {os.path.join('.', word)}"
                self.error(f"there is no option {name}{near}")

    def _is_option(self, name):
        """Return whether this is an option or the beginning of one, as in argparse."""
        return any(known.startswith(name) for known in self._option_string_actions)

    def _check_choice(self, args):
        choices, what = self._subparsers_action.choices, self._subparsers_action.metavar
        first, *rest = args
        if first in choices:
            choices[first]._check(rest)
        elif first.startswith("-"):
            if not self._is_option(first):
                self.error(f"{what} comes first, its options after it")
        else:
            later = [word for word in rest if word in choices]
            if later:
                self.error(f"{what} comes first: {self.prog} {later[0]} {first} ...")
            self.error(
                f"there is no {what} {first!r}{hint(first, choices)}; there are "
                f"{', '.join(choices)}"
            )
