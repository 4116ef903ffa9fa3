import numpy as np
import pytest
import theano
import theano.tensor as T

from tests.helpers.theano_oracle import same
from tests.helpers.varying_lengths import matrix


@pytest.mark.parametrize("mode", ["xla", "FAST_RUN"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64"])
def test_unsigned_indices_and_bounds(dtype, mode):
    x, n, lengths = T.dmatrix(), T.scalar(dtype=dtype), T.vector(dtype=dtype)
    outputs = [
        *(x[:n], x[n:], x[n], x[:, n], x[n:, None, :], x[n - n : n]),
        *(x[: lengths.max()], x[lengths[0]], x[lengths], x[::-1][: lengths[1]]),
        *(T.set_subtensor(x[:n], 0.0), T.inc_subtensor(x[n, n:], 1.0)),
        T.grad((x[:n] ** 2).sum() + (x[n] ** 3).sum(), x),
    ]
    f = theano.function([x, n, lengths], outputs, mode=mode)
    rng = np.random.default_rng(0)
    for size in (9, 5, 17, 12, 20, 40):
        rows, k, many = matrix(rng, size), size % 4, rng.integers(0, size, 3)
        written, added, gradient = rows.copy(), rows.copy(), np.zeros_like(rows)
        written[:k] = 0
        added[k, k:] += 1
        gradient[:k] = 2 * rows[:k]
        gradient[k] += 3 * rows[k] ** 2
        desired = [
            *(rows[:k], rows[k:], rows[k], rows[:, k], rows[k:, None], rows[:k]),
            *(rows[: max(many)], rows[many[0]], rows[many], rows[::-1][: many[1]]),
            *(written, added, gradient),
        ]
        arguments = rows, np.array(k, dtype), many.astype(dtype)
        for actual, wanted in zip(f(*arguments), desired, strict=True):
            same(actual, wanted)
