"""Server of the page, on this machine alone."""

import socket

import uvicorn

__all__ = ["HOST", "bind", "serve"]

HOST = "127.0.0.1"
_TRIES = 20  # ports


def bind(port, *, strict):
    """Return a socket that listens, on this machine alone.

    Parameters
    ----------
    port : int
        0 stands for any that is free.
    strict : bool
        If false, one of the next ports does as well.

    Raises
    ------
    OSError
        None is free.
    """
    for number in range(port, port + (1 if strict or not port else _TRIES)):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, number))
        except OSError as error:
            listener.close()
            problem = error
        else:
            return listener
    raise problem


def serve(app, listener, *, started=lambda: None, ending=lambda: None):
    """Answer requests until the process is interrupted.

    Parameters
    ----------
    app
        As from ``make_app``.
    listener : socket.socket
        As from `bind`.
    started : callable
        Called once requests are answered.
    ending : callable
        Called before those that are under way are waited for.
    """
    config = uvicorn.Config(
        app,
        log_level="critical",  # the application reports its errors itself
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = _Server(config, started, ending)
    server.run(sockets=[listener])


class _Server(uvicorn.Server):
    def __init__(self, config, started, ending):
        super().__init__(config)
        self._started, self._ending = started, ending

    async def startup(self, sockets=None):
        await super().startup(sockets)
        self._started()

    async def shutdown(self, sockets=None):
        self._ending()
        await super().shutdown(sockets)
