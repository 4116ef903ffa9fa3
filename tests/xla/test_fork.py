"""Processes that are forked: what is an error in them, and what works."""

import os

import pytest

from tests.helpers import fresh_process

pytestmark = [
    pytest.mark.process,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork"),
]

# A process that hangs is killed.  A child inherits no alarm, and sets its own.
BEFORE = """
import os, signal, sys, warnings
import numpy as np

def limit_time():
    signal.alarm(60)

signal.alarm(100)
os.register_at_fork(after_in_child=limit_time)
# Those of JAX and of Python, that a process with threads is forked.
warnings.filterwarnings("ignore", ".*fork")

import kfkd
from kfkd.errors import KfkdError, StateError
import theano
import theano.tensor as T

def in_child(function, *arguments):
    "Return what a child prints and its exit status; it ends as a program does."
    sys.stdout.flush()  # or the child would write it, too
    reads, writes = os.pipe()
    pid = os.fork()
    if not pid:
        os.dup2(writes, 1)
        os.close(writes)
        function(*arguments)
        sys.exit(7)
    os.close(writes)
    with open(reads) as file:
        text = file.read()
    return text, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def message(function, *arguments):
    "Print whether it raises the error that says what to do."
    try:
        function(*arguments)
    except StateError as error:
        print("spawn" in str(error) and "loky" in str(error), end=" ")
    else:
        print("no error", end=" ")

x = T.dvector()
w = theano.shared(np.ones(3))
f = theano.function([x], x * w, updates=[(w, w + 1)], mode="xla")
"""


def run(code, tmp_path):
    return fresh_process.run(BEFORE + code, tmp_path).splitlines()


def test_what_needs_the_device_is_an_error(tmp_path):
    code = """
from kfkd import xla
from kfkd.xla.loop import BatchLoop
from kfkd.xla.shared_variables import restore, snapshot
from kfkd.xla.thunk import nonblocking

rows = T.dmatrix()
loop = BatchLoop(theano.function([rows], (rows * w).sum(1), mode="xla"), [np.eye(3)], 2)
loop()
without_inputs = theano.function([], T.zeros(3), mode="xla")
python = theano.function([x], x * w, mode="FAST_RUN")
v = theano.shared(np.zeros(3))
print(*f(np.ones(3)))
copies = snapshot([w])

def child():
    message(f, np.ones(3))
    with nonblocking(f):
        message(f, np.ones(3))
    message(theano.function([x], x + 1, mode="xla"), np.ones(3))
    message(without_inputs)
    message(python, np.ones(3))
    message(loop)
    message(loop.prepare)
    message(w.get_value)
    message(snapshot, [v])
    message(restore, [v], copies)
    message(xla.get_device)
    message(xla.set_device, "cpu")

print(*in_child(child))
print(*f(np.ones(3)), *python(np.ones(3)), *w.get_value())
"""
    assert run(code, tmp_path) == [
        "1.0 1.0 1.0",
        " ".join(["True"] * 12) + "  7",
        "2.0 2.0 2.0 3.0 3.0 3.0 3.0 3.0 3.0",
    ]


def test_what_needs_no_device_works(tmp_path):
    code = """
import atexit, pickle, subprocess

v = theano.shared(np.zeros(3))
python = theano.function([x], x + v, updates=[(v, v + 1)], mode="FAST_RUN")
print(*f(np.ones(3)))
pickled = pickle.dumps((np.arange(3), w))

def child():
    atexit.register(print, "end")
    v.set_value(np.ones(3))
    print(*python(np.ones(3)), *v.get_value())
    print(*theano.function([x], 2 * x, mode="FAST_COMPILE")(np.ones(3)))
    array, variable = pickle.loads(pickled)
    print(*array, *variable.get_value())
    print(subprocess.run(["echo", "other"], capture_output=True, text=True).stdout)

print(*in_child(child))
print(*python(np.ones(3)))
"""
    assert run(code, tmp_path) == [
        "1.0 1.0 1.0",
        "2.0 2.0 2.0 2.0 2.0 2.0",
        "2.0 2.0 2.0",
        "0 1 2 2.0 2.0 2.0",
        "other",
        "",
        "end",
        " 7",
        "1.0 1.0 1.0",
    ]


@pytest.mark.slow
def test_a_parent_gets_the_error_of_a_pool(tmp_path):
    code = """
import concurrent.futures, multiprocessing, pickle, traceback
import joblib
from sklearn.model_selection import GridSearchCV
from tests.helpers.small_nets import regressor, rows

X, y = rows()
net = regressor(max_epochs=1, verbose=0).fit(X, y)
predicted = net.predict(X)
fork = multiprocessing.get_context("fork")

with fork.Pool(2) as pool:
    message(pool.map, net.predict, [X, X])
    message(pool.apply, net.fit, (X, y))
    same = pool.map(len, [X, X])
    print(*same)

with concurrent.futures.ProcessPoolExecutor(2, fork) as pool:
    message(pool.submit(net.predict, X).result)

process = fork.Process(target=message, args=[net.predict, X])
process.start()
process.join()
print(process.exitcode, flush=True)

multiprocessing.set_start_method("fork")
message(joblib.Parallel(2, "multiprocessing"), [joblib.delayed(net.predict)(X)] * 2)
search = GridSearchCV(net, {"update_learning_rate": [.01, .02]}, cv=2, n_jobs=2)
with joblib.parallel_config("multiprocessing"):
    try:
        search.fit(X, y)
    except ValueError as error:  # in which scikit-learn quotes them
        print("StateError: this process was forked" in str(error))
print((net.predict(X) == predicted).all())
"""
    assert run(code, tmp_path) == [
        "True True 60 60",
        "True True 0",
        "True True",
        "True",
    ]


@pytest.mark.slow
def test_a_child_works_whose_parent_has_computed_nothing(tmp_path):
    code = """
import multiprocessing
from tests.helpers.small_nets import regressor, rows

X, y = rows()

def fitted(rate):
    net = regressor(max_epochs=1, verbose=0, update_learning_rate=rate)
    return net.fit(X, y).predict(X)

def child():
    print(*f(np.ones(3)), *w.get_value())
    print(*in_child(message, f, np.ones(3)))  # it has started XLA itself

print(*in_child(child))
with multiprocessing.get_context("fork").Pool(1) as pool:
    found = pool.map(fitted, [0.01])[0]
print(found.shape)
print(*f(np.ones(3)), *w.get_value())
print(*in_child(message, f, np.ones(3)))
"""
    assert run(code, tmp_path) == [
        "1.0 1.0 1.0 2.0 2.0 2.0",
        "True  7",
        " 7",
        "(60, 3)",
        "1.0 1.0 1.0 2.0 2.0 2.0",
        "True  7",
    ]


@pytest.mark.slow
def test_it_is_the_same_if_other_code_has_started_jax(tmp_path):
    code = """
import jax

jax.numpy.ones(3)
print(*in_child(message, f, np.ones(3)))
"""
    assert run(code, tmp_path) == ["True  7"]


def test_locks_of_other_threads_are_free(tmp_path):
    code = """
import threading
from theano.graph.basic import Apply
from kfkd.training.seeding import seeded_initialization

class Identity(theano.graph.op.Op):
    __props__ = ()

    def make_node(self, x):
        return Apply(self, [x], [x.type()])

    def perform(self, node, inputs, outputs):
        outputs[0][0] = inputs[0].copy()

class Waits(Identity):
    begun, event = threading.Event(), threading.Event()

    def perform(self, *args):
        self.begun.set()
        assert self.event.wait(90)
        super().perform(*args)

class Compiles(Identity):
    begun, event = threading.Event(), threading.Event()

    def make_thunk(self, *args, **kwargs):
        self.begun.set()
        assert self.event.wait(90)
        return super().make_thunk(*args, **kwargs)

def python(y):
    return theano.function([x], y, mode="FAST_RUN")

def compute():
    with seeded_initialization(1), f._calling, f.fn.lock, w.container.storage.lock:
        waits(np.ones(3))

def compile():
    python(Compiles()(x))

print(*f(np.ones(3)))
waits = python(2 * Waits()(x))
threads = [threading.Thread(target=target) for target in (compute, compile)]
for thread, kind in zip(threads, (Waits, Compiles)):
    thread.start()
    assert kind.begun.wait(90)

def child():
    message(f, np.ones(3))
    message(w.get_value)
    Waits.event.set()
    print(*waits(np.ones(3)))
    with seeded_initialization(2):
        print(*python(3 * x)(np.ones(3)))

print(*in_child(child))
Waits.event.set()
Compiles.event.set()
for thread in threads:
    thread.join()
with w.container.storage.lock:  # which stays that of the thread that forks
    print(*in_child(print, "held"))
"""
    assert run(code, tmp_path) == [
        "1.0 1.0 1.0",
        "True True 2.0 2.0 2.0",
        "3.0 3.0 3.0",
        " 7",
        "held",
        " 7",
    ]
