"""A Bayesian neural net for regression by Stein variational gradient descent: all
particles move together, by the gradients of their posteriors and a kernel that keeps
them apart; its width is set by the median of their distances."""

from __future__ import print_function, division

import sys

import numpy as np
import theano
import theano.tensor as T

theano.config.floatX = "float64"
rng = np.random.RandomState(11)
N, D, H, M, BATCH = 60, 2, 6, 11, 20
SIZES = [
    ("w1", (D, H)),
    ("b1", (H,)),
    ("w2", (H,)),
    ("b2", ()),
    ("log_gamma", ()),
    ("log_lambda", ()),
]
N_PARAMS = int(sum(np.prod(shape) for _, shape in SIZES))
A0, B0 = 1.0, 0.1


def unpack(theta):
    """Views of a vector: weights, and the logarithms of two precisions."""
    values, start = [], 0
    for _, shape in SIZES:
        size = int(np.prod(shape))
        part = theta[start : start + size]
        values.append(part.reshape(shape) if shape else part[0])
        start += size
    return values


def predict(theta, X):
    w1, b1, w2, b2, _, _ = unpack(theta)
    return T.dot(T.nnet.relu(T.dot(X, w1) + b1), w2) + b2


def log_posterior(theta, X, y, n_all):
    w1, b1, w2, b2, log_gamma, log_lambda = unpack(theta)
    residual = predict(theta, X) - y
    log_lik = -0.5 * X.shape[0] * (T.log(2 * np.pi) - log_gamma)
    log_lik -= 0.5 * T.exp(log_gamma) * T.sum(T.sqr(residual))
    log_prior = (A0 - 1) * log_gamma - B0 * T.exp(log_gamma) + log_gamma
    log_prior += (A0 - 1) * log_lambda - B0 * T.exp(log_lambda) + log_lambda
    n_weights = N_PARAMS - 2
    squares = sum(T.sum(w**2) for w in (w1, b1, w2, b2))
    log_prior += 0.5 * n_weights * log_lambda - 0.5 * T.exp(log_lambda) * squares
    return log_lik * n_all / X.shape[0] + log_prior


def svgd_kernel(theta):
    """The kernel of all pairs, and the sum of its gradients for each."""
    m = theta.shape[0]
    norms = T.reshape(T.sum(T.square(theta), axis=1), (m, 1))
    H2 = T.maximum(norms + norms.T - 2 * T.dot(theta, theta.T), 0)
    V = T.sort(H2.flatten())
    n = V.shape[0]
    even = T.mean(V[n // 2 - 1 : n // 2 + 1])
    median = T.switch(T.eq(n % 2, 0), even, V[n // 2])
    h = T.sqrt(0.5 * median / T.log(m.astype("float32") + 1.0))
    Kxy = T.exp(-H2 / h**2 / 2)
    dxkxy = -T.dot(Kxy, theta)
    sumkxy = T.sum(Kxy, axis=1).dimshuffle(0, "x")
    return Kxy, T.add(dxkxy, T.mul(theta, sumkxy)) / (h**2), h


X_all = rng.uniform(-1, 1, (N, D))
y_all = np.sin(3 * X_all[:, 0]) + X_all[:, 1] ** 2 + 0.05 * rng.randn(N)
train_x, train_y = theano.shared(X_all, borrow=True), theano.shared(y_all, borrow=True)
start = rng.randn(M, N_PARAMS) / np.sqrt(D + 1)
start[:, -2:] = np.log(rng.gamma(A0, 1 / B0, (M, 2)))
theta = theano.shared(start, name="theta")
X, y, idx = T.matrix("X"), T.vector("y"), T.lvector("idx")
n_all = T.constant(N, dtype="float64")

# gradients of the particles: by a map over them, and by one gradient of the sum
log_ps, _ = theano.map(
    lambda t, X, y: log_posterior(t, X, y, n_all),
    sequences=[theta],
    non_sequences=[X, y],
    name="particles",
)
grads, _ = theano.map(
    lambda t, X, y: T.grad(log_posterior(t, X, y, n_all), t),
    sequences=[theta],
    non_sequences=[X, y],
)
Kxy, dxkxy, h = svgd_kernel(theta)
phi = (T.dot(Kxy, grads) + dxkxy) / M
historical = theano.shared(np.zeros((M, N_PARAMS)), name="historical")
first = theano.shared(np.asarray(1, dtype="int8"), name="first")
new = T.switch(T.eq(first, 1), phi**2, 0.9 * historical + 0.1 * phi**2)
step = T.scalar("step")
train = theano.function(
    [idx, theano.In(step, value=0.02)],
    [T.mean(log_ps), h, abs(grads - T.grad(log_ps.sum(), theta)).max()],
    updates=[
        (historical, new),
        (first, T.zeros_like(first)),
        (theta, theta + step * phi / (1e-6 + T.sqrt(new))),
    ],
    givens=[(X, train_x[idx]), (y, train_y[idx])],
)

results = {}
trace = []
for i in range(50):
    batch = rng.permutation(N)[:BATCH]
    trace.append([float(v) for v in train(batch, 0.05 if i < 25 else 0.02)])
print("log posterior %.1f -> %.1f" % (trace[0][0], trace[-1][0]))

# what the particles say of new points, and the slopes of their mean
outputs, _ = theano.scan(predict, sequences=theta, non_sequences=X)
mean = outputs.mean(axis=0)
noise_var = T.mean(T.exp(-theta[:, -2]))
spread = T.sqrt(T.var(outputs, axis=0) + noise_var)
t, x0, x1 = T.vectors("t", "x0", "x1")
slope = T.jacobian(predict(t, T.stack([x0, 2 * x0, x0[::-1]])), x0)
slopes = theano.function([t, x0], slope)
squashed = theano.function([t, x1], theano.clone(slope, replace={x0: T.tanh(x1)}))
curve = T.hessian(log_posterior(t, train_x, train_y, n_all), t)
curvature = theano.function([t], T.diag(curve))
evaluate = theano.function([X], [mean, spread, T.argsort(outputs, axis=0)[M // 2]])
grid = np.stack([np.linspace(-1, 1, 9), np.zeros(9)], axis=1)
mean, spread, middle = evaluate(grid)
error = np.sqrt(np.mean((evaluate(X_all)[0] - y_all) ** 2))
print("rms error %.3f, expected %.3f" % (error, spread.mean()))
results.update(trace=trace, mean=mean, spread=spread, middle=middle, error=error)
results.update(theta=theta.get_value(), historical=historical.get_value())
best = theta.get_value()[0]
results.update(slopes=slopes(best, grid[2]), squashed=squashed(best, grid[2]))
results.update(curvature=curvature(best))
np.savez(sys.argv[1], **results)
