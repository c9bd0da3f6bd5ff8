"""Runs an ASGI application under uvicorn in a thread"""

import threading
import time
from contextlib import contextmanager

import uvicorn


@contextmanager
def serving(app, sock):
    """Serve an application on a bound loopback socket until the block ends."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(10)
