"""Gaussian process regression with a length scale for each input, learned by L-BFGS."""

from __future__ import print_function

import sys

import numpy as np
import theano
import theano.tensor as T
import theano.tensor.slinalg as sla
from scipy.optimize import minimize
from theano.tensor import nlinalg

solve_lower = sla.Solve(A_structure="lower_triangular", lower=True)
solve_upper = sla.Solve(A_structure="upper_triangular", lower=False)


def conjugate_gradients(A, b):
    """Solve a system step by step, until the error is small; count the steps."""

    def step(x, r, p, A):
        Ap = T.dot(A, p)
        a = T.dot(r, r) / T.dot(p, Ap)
        new_r = r - a * Ap
        new_p = new_r + T.dot(new_r, new_r) / T.dot(r, r) * p
        return [x + a * p, new_r, new_p], theano.scan_module.until(new_r.norm(2) < 1e-3)

    (x, r, _), _ = theano.scan(
        step, outputs_info=[T.zeros_like(b), b, b], non_sequences=A, n_steps=200
    )
    return [x[-1], x.shape[0]]


class GaussianProcess(object):
    """The hyperparameters: logs of amplitude, noise and length scales, one vector."""

    def __init__(self, n_inputs):
        self.theta = theano.shared(np.zeros(2 + n_inputs), name="theta")
        self.theta.set_value(np.r_[0.0, -2.0, np.zeros(n_inputs)])
        X, y, Xs = T.matrix("X"), T.vector("y"), T.matrix("X_star")
        noise = T.exp(2 * self.theta[1])

        K = self.kernel(X, X) + (noise + 1e-8) * T.identity_like(T.dot(X, X.T))
        L = sla.cholesky(K)
        alpha = solve_upper(L.T, solve_lower(L, y))
        half_log_det = T.sum(T.log(T.diag(L)))
        n = X.shape[0]
        self.log_likelihood = (
            -0.5 * T.dot(y, alpha) - half_log_det - 0.5 * n * np.log(2 * np.pi)
        )
        gradient = T.grad(self.log_likelihood, self.theta)
        self.evaluate = theano.function([X, y], [self.log_likelihood, gradient])
        # once more, as people did it before Solve had a gradient
        K_inv = nlinalg.matrix_inverse(K)
        other = -0.5 * T.dot(y, T.dot(K_inv, y)) - 0.5 * T.log(nlinalg.det(K))
        self.evaluate_by_inverse = theano.function(
            [X, y], [other, T.grad(other, self.theta), nlinalg.trace(K_inv)]
        )

        Ks = self.kernel(Xs, X)
        V = solve_lower(L, Ks.T)
        mean = T.dot(Ks, alpha)
        variance = T.exp(2 * self.theta[0]) - T.sum(V**2, axis=0) + noise
        covariance = self.kernel(Xs, Xs) - T.dot(V.T, V)
        self.predict = theano.function([X, y, Xs], [mean, variance, covariance])
        slope, _ = theano.scan(
            lambda i, mu, x: T.grad(mu[i], x)[i],
            sequences=T.arange(mean.shape[0]),
            non_sequences=[mean, Xs],
        )
        self.slope = theano.function([X, y, Xs], slope)
        through_solve = sla.solve(K, y.dimshuffle(0, "x"))
        self.weights = theano.function(
            [X, y],
            [alpha, through_solve] + conjugate_gradients(K + T.identity_like(K), y),
        )

    def kernel(self, A, B):
        scales = T.exp(-self.theta[2:])
        A, B = A * scales, B * scales
        squares = T.sum(A**2, 1).dimshuffle(0, "x") - 2 * T.dot(A, B.T)
        squares += T.sum(B**2, 1).dimshuffle("x", 0)
        return T.exp(2 * self.theta[0]) * T.exp(-0.5 * T.maximum(squares, 0))

    def fit(self, X, y, maxiter):
        values = []

        def objective(theta):
            self.theta.set_value(theta, borrow=True)
            value, gradient = self.evaluate(X, y)
            values.append(float(value))
            return -value, -gradient

        found = minimize(
            objective,
            self.theta.get_value(),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": maxiter},
        )
        self.theta.set_value(found.x)
        return values


def main():
    rng = np.random.RandomState(31)
    gp, results = GaussianProcess(3), {}
    test = rng.uniform(-2, 2, (7, 3))
    for size in (10, 14, 17, 23, 38):
        X = rng.uniform(-2, 2, (size, 3))
        y = np.sin(2 * X[:, 0]) + 0.5 * X[:, 1] + 0.1 * rng.normal(size=size)
        values = gp.fit(X, y, maxiter=4)
        mean, variance, covariance = gp.predict(X, y, test)
        value, gradient = gp.evaluate(X, y)
        other, other_gradient, trace = gp.evaluate_by_inverse(X, y)
        print("{} points: {:.3f} -> {:.3f}".format(size, values[0], value))
        for name in (
            "values",
            "mean",
            "variance",
            "covariance",
            "gradient",
            "other",
            "other_gradient",
            "trace",
        ):
            results["%s_%d" % (name, size)] = locals()[name]
        results["slope_%d" % size] = gp.slope(X, y, test)
        names = ("alpha", "column", "by_steps", "steps")
        for name, array in zip(names, gp.weights(X, y)):
            results["%s_%d" % (name, size)] = array
        results["theta_%d" % size] = gp.theta.get_value()
    np.savez(sys.argv[1], **results)


if __name__ == "__main__":
    main()
