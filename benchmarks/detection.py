"""Compare detectors of faces, and where key points lie in the boxes of kfkd's.

    python benchmarks/detection.py FOLDER [--labels training.csv]

FOLDER has photographs of faces in the competition's layout, with labels. Faces of them
are pasted, in many sizes, into pictures of 640 x 480 pixels, which show things. Each
detector that is installed looks at the same pictures in turn: how many faces it finds,
how often it sees one where there is none, and how long it takes (the median). Then all
look at photographs that packages ship. At last: in which crop of a box the mean points
are best where they are in the images of the competition, whose labels may be given.

Peers: ``pip install scikit-image dlib-bin``.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import cv2
import matplotlib
import numpy as np
import sklearn
from figures import markdown
from PIL import Image

from kfkd import data
from kfkd.data import COLUMNS, SIDE
from kfkd.prediction.crops import Box
from kfkd.prediction.detection import find_faces

WIDTH, HEIGHT = 640, 480
SIZES = 60, 260  # pixels, of pasted faces
FIXED = ("left_eye_center", "right_eye_center", "mouth_left_corner")
FIXED += ("mouth_right_corner", "mouth_center_bottom_lip")


def detectors():
    """Return functions from an image to boxes, by their names."""
    found = {"kfkd": find_faces}
    for name in ("alt2", "alt", "default"):
        path = (
            Path(cv2.__file__).parent / "data" / f"haarcascade_frontalface_{name}.xml"
        )
        found[f"OpenCV, {name}, as it comes"] = _opencv(str(path))
    try:
        from skimage.data import lbp_frontal_face_cascade_filename
        from skimage.feature import Cascade
    except ImportError:
        print("Without scikit-image", file=sys.stderr)
    else:
        found["scikit-image, LBP"] = _skimage(
            Cascade(lbp_frontal_face_cascade_filename())
        )
    try:
        import dlib
    except ImportError:
        print("Without dlib", file=sys.stderr)
    else:
        found["dlib, HOG, enlarged once"] = _dlib(dlib.get_frontal_face_detector())
    return found


def _opencv(path):
    cascade = cv2.CascadeClassifier(path)
    return lambda image: [*map(tuple, cascade.detectMultiScale(np.asarray(image)))]


def _skimage(cascade):
    def detect(image):
        found = cascade.detect_multi_scale(
            img=np.asarray(image),
            scale_factor=1.1,
            step_ratio=1,
            min_size=(40, 40),
            max_size=(min(image.size), min(image.size)),
        )
        return [(d["c"], d["r"], d["width"], d["height"]) for d in found]

    return detect


def _dlib(detector):
    def detect(image):
        found = detector(np.asarray(image), 1)
        return [(d.left(), d.top(), d.width(), d.height()) for d in found]

    return detect


def photographs():
    """Return photographs that packages ship, and how many faces each shows."""
    folder = Path(sklearn.__file__).parent / "datasets" / "images"
    found = {name: (folder / f"{name}.jpg", 0) for name in ("china", "flower")}
    folder = Path(matplotlib.get_data_path()) / "sample_data"
    found["grace_hopper"] = folder / "grace_hopper.jpg", 1
    try:
        from skimage.data import __file__ as package
    except ImportError:
        pass
    else:
        things = "brick grass gravel coffee chelsea page text rocket moon horse"
        faces = dict.fromkeys(things.split(), 0) | {"astronaut": 1, "camera": 0}
        for path in Path(package).parent.glob("*.*"):
            if path.stem in faces and path.suffix in (".png", ".jpg"):
                found[path.stem] = path, faces[path.stem]
    return {
        name: (Image.open(path).convert("L"), n) for name, (path, n) in found.items()
    }


def composites(table, n, rng):
    """Return pictures with faces, each with the points of its faces."""
    backgrounds = [image for image, faces in photographs().values() if not faces]
    complete = np.flatnonzero(~np.isnan(table.labels).any(axis=1))
    found = []
    for _ in range(n):
        picture = backgrounds[rng.integers(len(backgrounds))].resize((WIDTH, HEIGHT))
        taken = np.zeros((HEIGHT, WIDTH), bool)
        points = []
        for row in rng.choice(complete, rng.integers(1, 4)):
            side = int(np.exp(rng.uniform(*np.log(SIZES))))
            x, y = rng.integers(WIDTH - side), rng.integers(HEIGHT - side)
            if taken[y : y + side, x : x + side].any():
                continue
            taken[y : y + side, x : x + side] = True
            face = Image.fromarray(table.images[row].reshape(SIDE, SIDE).astype("u1"))
            picture.paste(face.resize((side, side), Image.Resampling.BICUBIC), (x, y))
            points.append(table.labels[row].reshape(-1, 2) * side / SIDE + [x, y])
        found.append((picture, points))
    return found


def is_around(box, points):
    """Return whether a box is around the face that has these points."""
    named = dict(zip((name[:-2] for name in COLUMNS[::2]), points, strict=True))
    left, right = named["left_eye_center"], named["right_eye_center"]
    middle = (left + right) / 4 + named["mouth_center_bottom_lip"] / 2
    eyes = np.hypot(*(left - right))
    off = np.hypot(*(middle - [box.left + box.width / 2, box.top + box.height / 2]))
    return off < 0.8 * eyes and 1.3 < box.width / eyes < 4.5


def compare(pictures):
    """Return the table of all detectors."""
    found = detectors()
    rows = {name: dict(found=0, false=0, seconds=[]) for name in found}
    for picture, faces in pictures:
        for name, detect in found.items():
            began = time.perf_counter()
            boxes = [Box(*map(float, box)) for box in detect(picture)]
            rows[name]["seconds"].append(time.perf_counter() - began)
            hits = sum(any(is_around(box, points) for box in boxes) for points in faces)
            rows[name]["found"] += hits
            rows[name]["false"] += max(0, len(boxes) - hits)
    total = sum(len(faces) for _, faces in pictures)
    return markdown(
        ("detector", "found", "false, an image", "ms"),
        [
            (
                name,
                f"{100 * row['found'] / total:.1f} %",
                f"{row['false'] / len(pictures):.2f}",
                f"{1000 * statistics.median(row['seconds']):.0f}",
            )
            for name, row in rows.items()
        ],
    )


def look_at_photographs():
    """Return how many faces each detector sees in those that some see wrongly."""
    found, shown = detectors(), photographs()
    seen = {
        photo: [len(detect(image)) for detect in found.values()]
        for photo, (image, _) in shown.items()
    }
    wrong = [photo for photo in shown if {*seen[photo]} != {shown[photo][1]}]
    table = markdown(
        ("detector", *(f"{photo} ({shown[photo][1]})" for photo in wrong)),
        [
            (name, *(str(seen[photo][i]) for photo in wrong))
            for i, name in enumerate(found)
        ],
    )
    right = ", ".join(f"{name} ({n})" for name, (_, n) in shown.items())
    return f"{table}\nLooked at: {right}"


def fit_crop(table, labels, n, rng):
    """Return, as text, which crop of a box is as the competition's images are."""
    inside = []
    for row in rng.permutation(np.flatnonzero(~np.isnan(table.labels).any(axis=1)))[:n]:
        boxes = find_faces(Image.fromarray(table.images[row].reshape(SIDE, SIDE)))
        if len(boxes) == 1:
            (box,) = boxes
            points = table.labels[row].reshape(-1, 2) - [box.left, box.top]
            inside.append(points / box.width)
    names = [name[:-2] for name in COLUMNS[::2]]
    chosen = [names.index(name) for name in FIXED]
    ours = np.mean(inside, axis=0)[chosen]
    theirs = np.nanmean(labels, axis=0).reshape(-1, 2)[chosen] / SIDE
    a, b = ours - ours.mean(axis=0), theirs - theirs.mean(axis=0)
    scale = (a * b).sum() / (a * a).sum()
    left, top = ours.mean(axis=0) - theirs.mean(axis=0) / scale
    eyes = [np.hypot(*(points[0] - points[1])) for points in inside]
    return (
        f"{len(inside)} faces: the crop is {1 / scale:.3f} times the box, its corner "
        f"at {left:+.3f}, {top:+.3f} of the box; between the eyes there is "
        f"{np.mean(eyes):.3f} of it, give or take {np.std(eyes):.3f}"
    )


def main():
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", help="photographs in the competition's layout")
    parser.add_argument("--labels", metavar="CSV", help="the competition's labels")
    parser.add_argument("--pictures", type=int, default=100, help="to look at (100)")
    args = parser.parse_args()
    table = data.read("training", args.folder)
    rng = np.random.default_rng(0)
    if args.pictures:
        print(compare(composites(table, args.pictures, rng)), flush=True)
    print(look_at_photographs(), flush=True)
    labels = table.labels
    if args.labels:
        import pandas as pd

        labels = pd.read_csv(args.labels)[list(COLUMNS)].dropna().to_numpy()
    print(fit_crop(table, labels, 700, rng))


if __name__ == "__main__":
    main()
