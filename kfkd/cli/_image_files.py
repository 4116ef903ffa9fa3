"""The image files that a command is given: found, read, and what is wrong with some."""

import pathlib
import sys

import kfkd
from kfkd import progress
from kfkd.errors import ArgumentError, DataError
from kfkd.messages import without_controls

__all__ = ["find_images", "read_images"]


def find_images(args, prog):
    """Return the image files, and how many names stand for none, which are printed.

    An earlier `--plot` in one of the folders is left out. If there is a single name,
    the error is raised.
    """
    named = {*map(pathlib.Path, args.images)}
    found, failed = [], 0
    for name in args.images:
        try:
            found += kfkd.prediction.image_files.find_images([name])
        except DataError as error:
            if len(args.images) == 1:
                raise
            failed += 1
            _say(prog, error)
    found = dict.fromkeys(path for path in found if path in named or path != args.plot)
    return [*found], failed


def _say(prog, problem):
    text = without_controls(f"{prog}: {problem}")
    progress.write(text, file=sys.stderr)


def read_images(args, prog):
    """Return the faces in each image file, and how many files could not be used.

    What is wrong with a file is printed. A single file that cannot be read, and an
    error that is not of one file, are raised.
    """
    from kfkd.prediction.photographs import read_faces

    found, failed = {}, 0
    with progress.Bar("Looking for faces", len(args.images), unit="image") as bar:
        for path in args.images:
            problem = (
                f"{path}: no face was found. If there is one, --crop X,Y,W,H says "
                "where, and --no-detect takes the middle of the image"
            )
            faces = []
            try:
                faces = read_faces(path, crop=args.crop, detect=not args.no_detect)
            except (ArgumentError, DataError) as error:
                if len(args.images) == 1:
                    raise
                problem = error
            if faces:
                found[str(path)] = faces
            else:
                failed += 1
                _say(prog, problem)
            bar.update()
    return found, failed
