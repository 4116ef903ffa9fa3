import numpy as np
import pytest
import theano
import theano.tensor as T
from theano.tensor.extra_ops import ravel_multi_index, unravel_index

from tests.helpers.theano_oracle import check, random
from tests.helpers.varying_lengths import check_program, two


@pytest.mark.parametrize("order", ["C", "F"])
def test_flat_indices(order):
    places = [np.array([[0, 3], [2, 1]]), np.array([[1, 4], [0, 2]], "int8")]
    dims = (4, 5)
    check(lambda *i: ravel_multi_index(i, dims, order=order), *places)
    check(lambda i: unravel_index(i, dims, order), np.array([0, 7, 19]))
    outside = [p + 3 for p in places]
    for mode in ("wrap", "clip"):
        check(lambda *i, m=mode: ravel_multi_index(i, dims, m, order), *outside)
    i, j = T.lvectors("ij")
    for found in (ravel_multi_index((i, j), dims), unravel_index(i * 9 + j, dims)[0]):
        with pytest.raises(ValueError, match="out of bounds"):
            theano.function([i, j], found, mode="xla")([3], [5])


@pytest.mark.parametrize("order", ["C", "F"])
def test_more_places_than_their_dtype_can_count(order):
    dims, places = np.array([90, 100, 9], "int8"), random(0, (3, 5), "int8") % 9
    check(lambda *i: ravel_multi_index(i, dims, order=order), *places)
    flat = np.ravel_multi_index(places, (90, 100, 9), order=order)
    check(lambda i: unravel_index(i, dims, order), flat)


@pytest.mark.parametrize("order", ["C", "F"])
def test_of_arrays_whose_lengths_vary(order):
    def build(x, y):
        places = [T.argmax(x, 1), T.argmin(x, 1)]
        flat = ravel_multi_index(places, (9, 4), order=order)
        pairs = T.dot(x, y.T)
        columns = T.argmax(pairs, 1)
        most = [T.arange(pairs.shape[0]), columns]
        return [
            flat,
            *unravel_index(flat, (9, 4), order),
            *unravel_index(T.argmax(pairs), pairs.shape, order),
            ravel_multi_index(most, pairs.shape, "wrap", order),
            ravel_multi_index([columns, columns], pairs.shape, "clip", order),
        ]

    check_program(two, build)


@pytest.mark.parametrize("axis", [0, 1])
def test_places_outside_arrays_whose_lengths_vary(axis):
    i, j = T.lvectors("ij")
    flat = ravel_multi_index((i, j), (30, 20))
    f = theano.function([i, j], flat, mode="xla")
    for n in (3, 4, 5, 6):
        inside = np.arange(n) % 20
        np.testing.assert_array_equal(f(inside, inside), inside * 21)
    outside = [inside.copy(), inside.copy()]
    outside[axis][-1] = 30
    with pytest.raises(ValueError, match="out of bounds"):
        f(*outside)
