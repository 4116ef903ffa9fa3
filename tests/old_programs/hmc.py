"""Hamiltonian Monte Carlo, after the deep learning tutorials: chains in parallel."""

from __future__ import print_function

import sys

import numpy as np
import theano
import theano.tensor as T
from theano.tensor.shared_randomstreams import RandomStreams

RANDOM_TOLERANCE = 0.2  # of means and covariances of a few thousand samples
sharedX = lambda X, name: theano.shared(np.asarray(X, theano.config.floatX), name=name)


def hamiltonian(pos, vel, energy_fn):
    return energy_fn(pos) + 0.5 * (vel**2).sum(axis=1)


def simulate_dynamics(initial_pos, initial_vel, stepsize, n_steps, energy_fn):
    """The final position and velocity of leapfrog steps."""

    def leapfrog(pos, vel, step):
        dE_dpos = T.grad(energy_fn(pos).sum(), pos)
        new_vel = vel - step * dE_dpos
        new_pos = pos + step * new_vel
        return [new_pos, new_vel], {}

    dE_dpos = T.grad(energy_fn(initial_pos).sum(), initial_pos)
    vel_half_step = initial_vel - 0.5 * stepsize * dE_dpos
    pos_full_step = initial_pos + stepsize * vel_half_step
    (all_pos, all_vel), scan_updates = theano.scan(
        leapfrog,
        non_sequences=[stepsize],
        n_steps=n_steps - 1,
        outputs_info=[dict(initial=pos_full_step), dict(initial=vel_half_step)],
    )
    assert not scan_updates
    final_pos, final_vel = all_pos[-1], all_vel[-1]
    energy = energy_fn(final_pos)
    final_vel = final_vel - 0.5 * stepsize * T.grad(energy.sum(), final_pos)
    return final_pos, final_vel


def hmc_move(velocity, uniform, positions, energy_fn, stepsize, n_steps):
    final_pos, final_vel = simulate_dynamics(
        initial_pos=positions,
        initial_vel=velocity,
        stepsize=stepsize,
        n_steps=n_steps,
        energy_fn=energy_fn,
    )
    ediff = hamiltonian(positions, velocity, energy_fn) - hamiltonian(
        final_pos, final_vel, energy_fn
    )
    return (T.exp(ediff) - uniform) >= 0, final_pos


def hmc_updates(
    positions,
    stepsize,
    avg_acceptance_rate,
    final_pos,
    accept,
    target_acceptance_rate,
    stepsize_inc=1.02,
    stepsize_dec=0.98,
    stepsize_min=0.001,
    stepsize_max=0.25,
    avg_acceptance_slowness=0.9,
):
    """Rejected chains stay; the step grows where more is accepted than wanted."""
    accept_matrix = accept.dimshuffle(0, *(("x",) * (final_pos.ndim - 1)))
    new_positions = T.switch(accept_matrix, final_pos, positions)
    _new_stepsize = T.switch(
        avg_acceptance_rate > target_acceptance_rate,
        stepsize * stepsize_inc,
        stepsize * stepsize_dec,
    )
    new_stepsize = T.clip(_new_stepsize, stepsize_min, stepsize_max)
    mean_dtype = theano.scalar.upcast(accept.dtype, avg_acceptance_rate.dtype)
    new_acceptance_rate = T.add(
        avg_acceptance_slowness * avg_acceptance_rate,
        (1.0 - avg_acceptance_slowness) * accept.mean(dtype=mean_dtype),
    )
    return [
        (positions, new_positions),
        (stepsize, new_stepsize),
        (avg_acceptance_rate, new_acceptance_rate),
    ]


class HMC_sampler(object):
    """Without noise of its own, simulate takes velocities and uniform numbers."""

    def __init__(
        self,
        shared_positions,
        energy_fn,
        initial_stepsize=0.1,
        n_steps=20,
        seed=None,
        **options,
    ):
        self.positions = shared_positions
        self.stepsize = sharedX(initial_stepsize, "hmc_stepsize")
        self.avg_acceptance_rate = sharedX(0.9, "avg_acceptance_rate")
        if seed is None:
            velocity, uniform = T.matrix("velocity"), T.vector("uniform")
            inputs = [velocity, uniform]
        else:
            s_rng, inputs = RandomStreams(seed), []
            velocity = s_rng.normal(size=shared_positions.shape)
            uniform = s_rng.uniform(size=(shared_positions.shape[0],))
        accept, final_pos = hmc_move(
            velocity, uniform, shared_positions, energy_fn, self.stepsize, n_steps
        )
        updates = hmc_updates(
            shared_positions,
            self.stepsize,
            self.avg_acceptance_rate,
            accept=accept,
            final_pos=final_pos,
            target_acceptance_rate=0.9,
            **options,
        )
        self.simulate = theano.function(inputs, accept, updates=updates)

    def draw(self, *noise):
        accepted = self.simulate(*noise)
        return self.positions.get_value(borrow=False), accepted


def main():
    rng = np.random.RandomState(123)
    dim, n_chains = 3, 20
    mu = np.asarray(rng.uniform(-1, 1, dim), theano.config.floatX)
    cov = np.asarray([[1.0, 0.4, 0.0], [0.4, 0.7, -0.2], [0.0, -0.2, 0.5]])
    cov_inv = np.linalg.inv(cov).astype(theano.config.floatX)

    def gaussian_energy(x):
        return 0.5 * (T.dot((x - mu), cov_inv) * (x - mu)).sum(axis=1)

    start = rng.randn(n_chains, dim)
    sampler = HMC_sampler(sharedX(start, "positions"), gaussian_energy, n_steps=15)
    results = {"path": [], "accepted": [], "stepsizes": [], "rates": []}
    for n in range(40):
        positions, accepted = sampler.draw(
            rng.normal(size=(n_chains, dim)).astype(theano.config.floatX),
            rng.uniform(size=n_chains).astype(theano.config.floatX),
        )
        results["path"].append(positions)
        results["accepted"].append(accepted)
        results["stepsizes"].append(sampler.stepsize.get_value())
        results["rates"].append(sampler.avg_acceptance_rate.get_value())
    print(
        "step size: {:.4f}, accepted: {:.3f}".format(
            float(sampler.stepsize.get_value()), np.mean(results["accepted"])
        )
    )

    sampler = HMC_sampler(
        sharedX(start, "positions"), gaussian_energy, n_steps=5, seed=3717
    )
    for _ in range(30):
        sampler.draw()
    samples = np.concatenate([sampler.draw()[0] for _ in range(150)])
    print("means:", mu, samples.mean(0))
    results["random_mean"] = samples.mean(axis=0)
    results["random_cov"] = np.cov(samples.T)
    results["random_acceptance"] = sampler.avg_acceptance_rate.get_value()
    np.savez(sys.argv[1], **results)


if __name__ == "__main__":
    main()
