"""Random key points of drawn faces, and which of them are labelled.

The figures are statistics of the label columns of the competition's ``training.csv``
and ``IdLookupTable.csv``: means, spreads, principal components, and counts. No row of
these files is repeated here.

The competition's files join two collections, and so do these. The *full* one (the
first 2,284 rows in training, 591 images in the test) has labels of all 15 points, save
for a few that are missing. The *sparse* one (the other 4,765 and 1,192) has only the
eye centres, the nose and the lower lip, and these are marked otherwise: by its labels,
the distance from nose to lip is half as long (0.34 instead of 0.69 times that of the
eyes), which no faces are. The nose is marked at its base, and the lower lip in the
middle of the mouth.
Lengths are pixels in an image of 96 by 96.
"""

import numpy as np

from kfkd.arguments import check


def _hundredths(text):
    return np.array([row.split() for row in text.strip().splitlines()], float) / 100


# Mean of the complete rows, and the standard deviation that the directions below leave.
_MEAN, _REST = _hundredths("""
6622 3684 2964 3706 5927 3786 7341 3764 3660 3792 2236 3803 5615 2922 7962 \
2966 3927 2941 1576 3045 4795 5725 6342 7589 3297 7613 4808 7268 4815 8263
80 48 74 51 88 52 79 59 82 54 78 61 90 54 82 80 79 66 82 84 61 38 80 69 55 69 66 75 67 44
""")  # noqa: E501

# The 12 leading principal components, scaled by their standard deviations.
_DIRECTIONS = _hundredths("""
65 119 -58 45 10 120 118 137 -14 75 -117 32 -28 124 162 \
154 23 78 -134 18 -62 296 -11 404 -139 350 -75 429 -89 364
-38 -80 -9 153 -56 -28 -21 -130 8 114 -36 203 -109 7 -91 \
-158 -77 126 -82 268 108 66 254 -51 209 152 223 126 261 -17
-118 121 112 83 -74 112 -166 118 57 92 158 66 -63 192 -188 \
195 78 173 198 125 -17 88 -142 -10 49 -36 -37 22 -44 -111
-27 -68 9 -71 -72 -40 25 -84 48 -42 -47 -90 -46 41 -8 \
-93 21 46 -12 -95 -33 250 25 -80 -75 -91 -22 193 -27 -205
90 9 110 -40 115 3 64 11 100 -25 123 -54 177 11 44 \
-1 129 -21 140 -74 179 60 40 33 92 -1 106 61 89 25
-45 -70 20 -46 -17 -65 -96 -81 -29 -53 70 -54 -48 -66 -112 \
-113 -44 -43 75 -84 -73 6 -146 110 166 120 -14 48 -10 63
-70 -11 -71 -35 -39 -15 -89 -12 -49 -29 -78 -36 49 26 -81 \
26 66 -28 -105 15 219 6 -103 10 -48 16 30 1 18 7
-8 2 -9 -1 32 -5 -36 -14 -47 -9 27 -13 9 12 -25 \
-6 -37 6 -4 7 -17 174 16 -82 4 -80 10 -92 7 174
-9 -54 32 -48 -16 -48 9 -45 42 -45 17 -37 -97 -21 82 \
89 116 -13 -38 95 -23 13 -17 2 42 -1 4 -28 4 18
39 -34 -36 -44 40 -32 20 -35 -45 -39 -21 -50 32 126 26 \
38 -65 125 -3 7 -11 -49 -24 -9 54 -5 7 6 8 0
12 26 -28 16 25 19 10 35 -35 9 -15 23 45 -41 53 \
43 -45 -45 -45 16 -16 75 -69 6 99 -6 13 -14 15 -86
2 -29 9 -25 8 -31 -32 -21 -11 -25 26 -19 66 -46 -34 \
72 -69 -38 31 81 -12 1 40 5 -49 5 -8 49 -9 -10
""")

# The sparse collection: mean and Cholesky factor of the covariance of the eye centres.
_EYES = slice(0, 4)
_SPARSE_EYES = _hundredths("6647 3798 3062 3836")[0]
_SPARSE_FACTOR = _hundredths("""
365 0 0 0
2 325 0 0
89 83 293 0
-57 76 3 287
""")
# Where it marks the nose, from its tip to the upper lip, and the lower lip, from the
# upper to the lower one: as far as the mean labels are apart.
_NOSE, _LIP = 0.47, 0.42

# How far the points stand out from the plane of the eyes, in distances between these,
# and how much heads nod, of how much they turn aside.
_DEPTHS = _hundredths("0 0 2 -13 2 -13 12 -6 12 -6 50 12 12 26 22")[0]
_NOD = 0.3

# Which points lack a label, as hexadecimal digits in the order of the columns, and in
# how many rows.
_FULL_ROWS = """
:2140 7:31 9:26 e:13 79:6 3:4 c:4 6789:3 145:3 de:3 bcde:3 b:3 246789:3 2:2 37:2 89:2
68:2 23:2 7b:2 59:2 145bc:1 789:1 45:1 24:1 014:1 67:1 bc:1 579bcde:1 015:1 012345:1
37bcde:1 01:1 5c:1 9bcde:1 8:1 14578:1 1:1 067:1 0123456:1 37b:1 0123456789:1 5:1
379:1 023b:1 012345679c:1 7e:1 0367:1 4:1
"""
_SPARSE_ROWS = "23456789bcd:4755 23456789bcde:10"
_FULL_ASKED = """
:556 9:8 7:7 79:4 6789:2 e:1 679:1 489:1 59:1 bc:1 79cde:1 68:1 ce:1 26789:1 268:1
37:1 c:1 012345:1 5:1
"""
_SPARSE_ASKED = "23456789bcd:1190 23456789bcde:2"

# Student's t with this many degrees of freedom has the tails of the real labels.
# Discarding impossible faces narrows the spread; _WIDER compensates for it.
_DEGREES = 7
_WIDER = 1.13
_THINNEST = 3.5  # lips, from the upper edge to the lower

_MODEL = _DIRECTIONS.T @ _DIRECTIONS + np.diag(_REST**2)


_MOVE = _SPARSE_FACTOR @ np.linalg.inv(np.linalg.cholesky(_MODEL[_EYES, _EYES]))


def _to_sparse(points):
    """Move a whole face so that its eyes are where those of sparse rows are."""
    old = points[_EYES].reshape(2, 2)
    new = (_SPARSE_EYES + _MOVE @ (points[_EYES] - _MEAN[_EYES])).reshape(2, 2)
    a, b = old[0] - old[1], new[0] - new[1]
    # The rotation and scaling that turns a into b, as a complex number.
    scale = a @ a
    real, imag = (a @ b) / scale, (a[0] * b[1] - a[1] * b[0]) / scale
    turn = np.array([[real, -imag], [imag, real]])
    moved = (points.reshape(15, 2) - old.mean(axis=0)) @ turn.T + new.mean(axis=0)
    return moved.ravel()


def mark_sparsely(points):
    """Return the points of faces as the sparse collection marks them.

    Parameters
    ----------
    points : array, shape (30,) or (n, 30)
        In pixels, as from `draw`.

    Returns
    -------
    array of the same shape

    Raises
    ------
    ArgumentError
        `points` has another shape.
    """
    points = np.asarray(points)
    is_valid = points.ndim in (1, 2) and points.shape[-1] == 30
    check("the shape of points", points.shape, is_valid, "(30,) or (n, 30)")
    x_and_y = points.reshape(-1, 15, 2).copy()
    nose, upper, lower = (x_and_y[:, i].copy() for i in (10, 13, 14))
    x_and_y[:, 10] = nose + _NOSE * (upper - nose)
    x_and_y[:, 14] = upper + _LIP * (lower - upper)
    # On the grid of `sample`.
    return np.round(x_and_y.reshape(points.shape) * 64) / 64


def _turned(points, yaw, pitch):
    """Return the points of a head that is turned aside and nods, by degrees."""
    x_and_y = points.reshape(15, 2)
    middle, across = x_and_y[:2].mean(axis=0), x_and_y[0] - x_and_y[1]
    axes = np.array([across, (-across[1], across[0])])
    u, v = np.linalg.solve(axes.T, (x_and_y - middle).T)
    yaw, pitch = np.radians([yaw, pitch])
    z = _DEPTHS * np.cos(yaw) - u * np.sin(yaw)
    u = _DEPTHS * np.sin(yaw) + u * np.cos(yaw)
    v = v * np.cos(pitch) + z * np.sin(pitch)
    return (middle + np.stack([u, v], axis=1) @ axes).ravel()


def _part_lips(points):
    # The real spread makes one mouth in ten thinner than any real one: reflect it.
    missing = 2 * max(0, _THINNEST - (points[29] - points[27]))
    points[27] -= missing / 2
    points[29] += missing / 2
    return points


def _possible(points):
    points = points.tolist()
    x, y = points[0::2], points[1::2]
    return (
        min(points) > 1
        and max(points) < 95
        and x[5] + 2.5 < x[1] < x[4] - 2.5
        and x[4] + 5 < x[2]
        and x[2] + 2.5 < x[0] < x[3] - 2.5
        and x[9] + 8 < x[8] < x[6] - 3
        and x[6] + 8 < x[7]
        and y[6] + 2 < y[2]
        and y[8] + 2 < y[4]
        and y[7] + 2 < y[3]
        and y[9] + 2 < y[5]
        and abs((y[2] + y[3]) / 2 - y[0]) < 3
        and abs((y[4] + y[5]) / 2 - y[1]) < 3
        and max(y[:6]) + 8 < y[10] < y[13] - 3
        and y[13] + 3 < y[14]
        and x[12] + 12 < x[11]
        and x[12] + 4 < min(x[13], x[14])
        and max(x[13], x[14]) < x[11] - 4
        and abs(x[13] - x[14]) < 6
        and min(y[11], y[12]) > y[10] + 1
        and x[5] < x[10] < x[3]
    )


def sample(rng, *, sparse=False, turn=0):
    """Return the 30 random coordinates of one face, in pixels, within the image.

    `turn` is the standard deviation, in degrees, of a further turn of the head.
    """
    while True:
        tail = np.sqrt((_DEGREES - 2) / rng.chisquare(_DEGREES))
        scores, rest = np.split(rng.standard_normal(42), [12])
        points = _MEAN + _WIDER * tail * (scores @ _DIRECTIONS + rest * _REST)
        points = _part_lips(_to_sparse(points) if sparse else points)
        if turn:
            points = _turned(points, *(turn * rng.standard_normal(2) * (1, _NOD)))
        if _possible(points):
            # On a grid, so that rounding errors of other machines do not show.
            return np.round(points * 64) / 64


def _spread(full, sparse, n):
    """Return which of the 30 labels each of `n` rows has, and which rows are sparse."""
    patterns = []
    for text in (full, sparse):
        missing, counts = zip(
            *(entry.split(":") for entry in text.split()), strict=True
        )
        has = np.array(
            [[f"{point:x}" not in m for point in range(15)] for m in missing]
        )
        # Rare patterns are mixed with the frequent ones, always in the same way.
        rows = np.repeat(np.arange(len(has)), np.array(counts, int))
        rows = np.random.default_rng(2014).permutation(rows)
        patterns.append(np.repeat(has[rows], 2, axis=1))
    is_sparse = np.repeat([False, True], [len(rows) for rows in patterns])
    take = (2 * np.arange(n) + 1) * len(is_sparse) // (2 * n)
    return np.concatenate(patterns)[take], is_sparse[take]


def labelled(n):
    """Return which labels `n` training rows have, and which rows are sparse.

    7,049 rows have the competition's pattern.
    """
    return _spread(_FULL_ROWS, _SPARSE_ROWS, n)


def asked(n):
    """Return which labels of `n` test images are asked for, and which are sparse.

    1,783 images have the competition's pattern, 27,124 labels.
    """
    return _spread(_FULL_ASKED, _SPARSE_ASKED, n)
