"""Shims for what the tests themselves need and is gone, or has to be downloaded.

kfkd has none of them: they are no part of Theano, Lasagne or nolearn.
"""

import contextlib
import sys
import types
import unittest.mock

import numpy as np
import sklearn.datasets
import sklearn.model_selection

__all__ = ["install", "install_numpy_names"]


class _Cast:
    def __getitem__(self, dtype):
        return lambda value: np.asarray(value, dtype)


def _unique(a, return_index=False, return_inverse=False, *args, **options):
    """numpy.unique, of which the inverse was a vector."""
    found = np.unique(a, return_index, return_inverse, *args, **options)
    if return_inverse:
        found = list(found)
        found[1 + return_index] = found[1 + return_index].ravel()
    return found


# numpy.linalg was a package.
_LINALG = types.ModuleType("numpy.linalg")
vars(_LINALG).update(
    __getattr__=lambda name: getattr(np.linalg, name), linalg=np.linalg
)
_NUMPY = types.ModuleType("numpy")
vars(_NUMPY).update(
    __getattr__=lambda name: getattr(np, name),
    MAXDIMS=32,
    cast=_Cast(),
    complex=complex,
    find_common_type=lambda arrays, scalars: np.result_type(*arrays, *scalars),
    float=float,
    int=int,
    linalg=_LINALG,
    product=np.prod,
    unique=_unique,
    vstack=lambda arrays: np.vstack(list(arrays)),
)


def _getattr(thing, name, *default):
    """getattr, by which Python's mocks now look at what raises when it is looked at."""
    if default:
        with contextlib.suppress(NotImplementedError):
            return getattr(thing, name, *default)
        return default[0]
    return getattr(thing, name)


def _digits(name):
    """70,000 images of 28 x 28 pixels as in MNIST, made of scikit-learn's 8 x 8."""
    random = np.random.RandomState(0)
    small, labels = sklearn.datasets.load_digits(return_X_y=True)
    chosen = random.randint(len(small), size=70_000)
    images = np.zeros((len(chosen), 28, 28), "uint8")
    large = (small.reshape(-1, 8, 8) * 15.9).astype("uint8")
    large = large.repeat(3, axis=1).repeat(3, axis=2)
    images[:, 2:26, 2:26] = large[chosen]
    return types.SimpleNamespace(
        data=images.reshape(-1, 784), target=labels[chosen].astype("float64")
    )


def _boston():
    """506 rows of 13 features, as of the data set that scikit-learn has removed."""
    data, target = sklearn.datasets.make_regression(506, 13, random_state=0)
    target = 22.5 + 9.2 * target / target.std()  # thousands of dollars
    return types.SimpleNamespace(data=data, target=target)


def install():
    """Install the shims where the tests look for them."""
    unittest.mock.getattr = _getattr
    sys.modules["mock"] = unittest.mock  # the name it had before it was in Python
    for name in ("cross_validation", "grid_search"):
        sys.modules[f"sklearn.{name}"] = sklearn.model_selection
    sklearn.datasets.load_boston = _boston
    sklearn.datasets.fetch_mldata = _digits


def install_numpy_names():
    """Give the tests the names that NumPy has dropped, and nobody else."""
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] == "tests" and getattr(module, "np", None) is np:
            module.np = _NUMPY
