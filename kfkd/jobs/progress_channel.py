"""What joblib leaves open between a process and its workers: news of the work.

The process that waits for results opens a `Hub`. Its `link`, sent along with the work,
leads back to it from a thread, from another process, or from another machine. Where no
connection can be made, the work is done all the same, without news.
"""

import contextlib
import hmac
import json
import os
import secrets
import socket
import socketserver
import threading

__all__ = ["Hub", "Link"]

_HUBS = {}  # of this process, by their tokens
_TIMEOUT = 5  # seconds to wait for a connection


class Hub:
    """Hears what workers tell, and hands out places to them.

    Parameters
    ----------
    listener : callable
        Called with the name of the work and a dict, in a thread of its own for each
        worker.
    local : bool
        Whether all workers are on this machine; others cannot connect then.

    Notes
    -----
    A line of JSON is all that comes in, and only after the token that `link` holds.
    """

    def __init__(self, listener, *, local=True):
        self._listener = listener
        self._places = {}
        self._lock = threading.Lock()
        self._connections = set()
        self._token = secrets.token_hex()
        hub = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                with contextlib.suppress(OSError, ValueError):  # it is gone, or no one
                    hub._serve(self.connection, self.rfile, self.wfile)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False

        self._server = Server(("127.0.0.1" if local else "", 0), Handler)
        port = self._server.server_address[1]
        addresses = [("127.0.0.1", port)]
        if not local:
            addresses.append((_own_address(), port))
        self.link = Link(self._token, tuple(addresses), _machine(), os.getpid())
        _HUBS[self._token] = self
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def tell(self, name, news):
        """Hand news on to the listener."""
        self._listener(name, news)

    def _serve(self, connection, lines, answers):
        hello = json.loads(lines.readline(10_000))
        if not hmac.compare_digest(str(hello["token"]), self._token):
            return
        with self._lock:
            self._connections.add(connection)
        place = self._place(tuple(hello["worker"]))
        answers.write(f"{place}\n".encode())
        for line in lines:
            self.tell(hello["name"], json.loads(line))

    def _place(self, worker):
        """Return the place of a worker on its machine: 0, 1 and so on."""
        machine, _ = worker
        with self._lock:
            taken = sum(other == machine for other, _ in self._places)
            return self._places.setdefault(worker, taken)

    def close(self):
        """Break all connections, which ends work that is still going on."""
        _HUBS.pop(self._token, None)
        self._server.shutdown()
        self._server.server_close()
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class Link:
    """Leads from a worker back to the `Hub`; can be pickled.

    Attributes
    ----------
    place : int or None
        After `open`: which of its machine's workers this one is, so that each can take
        a device of its own; None in the process of the hub, and where there is no
        connection.
    """

    def __init__(self, token, addresses, machine, pid):
        self._token, self._addresses = token, addresses
        self._machine, self._pid = machine, pid
        self._socket = None
        self.place = None

    @property
    def at_home(self):
        """Whether this is the process of the hub."""
        return os.getpid() == self._pid and self._token in _HUBS

    @property
    def same_machine(self):
        """Whether this is the machine of the hub."""
        return self._machine == _machine()

    @contextlib.contextmanager
    def open(self, name):
        """Yield a link for the news of some work, connected if that is possible."""
        link = Link(self._token, self._addresses, self._machine, self._pid)
        link._name = name
        if not link.at_home:
            with contextlib.suppress(OSError, ValueError):
                link._connect()
        try:
            yield link
        finally:
            if link._socket is not None:
                link._socket.close()

    def tell(self, **news):
        """Tell the hub.

        Raises
        ------
        KeyboardInterrupt
            If the hub has been closed, so that nobody waits for the result any more.
        """
        if self.at_home:
            _HUBS[self._token].tell(self._name, news)
        elif self._socket is not None:
            line = (json.dumps(news) + "\n").encode()
            try:
                self._socket.sendall(line)
            except OSError:
                try:
                    self._connect()
                    self._socket.sendall(line)
                except ConnectionError:
                    raise KeyboardInterrupt from None
                except OSError:  # the network's fault; the work may still be wanted
                    self._socket = None

    def _connect(self):
        here = self.same_machine
        address = self._addresses[0 if here else -1]
        self._socket = socket.create_connection(address, _TIMEOUT)
        hello = dict(
            token=self._token, worker=(_machine(), os.getpid()), name=self._name
        )
        self._socket.sendall((json.dumps(hello) + "\n").encode())
        with self._socket.makefile("rb") as answers:
            answer = answers.readline(100)
        if not answer:
            raise ConnectionAbortedError
        self.place = int(answer)


def _machine():
    return f"{socket.gethostname()}-{_boot()}"


def _boot():
    """Return what tells apart machines, or containers, of the same name."""
    with contextlib.suppress(OSError), open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()
    return ""


def _own_address():
    """Return this machine's address as seen from others; nothing is sent for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address reserved for documentation
            return probe.getsockname()[0]
        except OSError:
            return socket.gethostname()
