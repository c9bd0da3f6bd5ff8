"""gunicorn's master, which looks at the files of secrets now and then: PEP 3333

A secret that is replaced, as an orchestrator does it, takes effect without anybody's signal.
"""

import time
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path

from gunicorn.arbiter import Arbiter

INTERVAL = 2.0  # seconds between two looks

Look = tuple[object, ...]


class Watch:
    """Files whose contents are compared; a glance at size and time first, the contents then."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._glances = {path: _glance(path) for path in files}
        self._contents = {path: _contents(path) for path in self._glances}

    def has_changed(self) -> bool:
        """Say whether a file has other contents than at the last look.

        A file that is away at this moment, between two versions of it, has not changed yet.
        """
        glances = {path: _glance(path) for path in self._glances}
        if glances == self._glances:
            return False
        contents = {path: _contents(path) for path in self._glances}
        if None in contents.values():
            return False
        before, self._contents, self._glances = self._contents, contents, glances
        return contents != before

    def watch(self, files: Iterable[Path]) -> None:
        """Watch these files from now on; of those watched before, the last look still counts."""
        new = Watch(files)
        for path in new._glances.keys() & self._glances.keys():
            new._glances[path], new._contents[path] = self._glances[path], self._contents[path]
        self._glances, self._contents = new._glances, new._contents


class WatchingArbiter(Arbiter):  # type: ignore[misc]  # gunicorn has no types
    """Reloads when a watched file changes, as on SIGHUP: no request is dropped for it."""

    def __init__(self, app: object, files: Callable[[], Iterable[Path]]) -> None:
        super().__init__(app)
        self._files = files
        self._watch = Watch(files())
        self._looked_at = time.monotonic()

    def manage_workers(self) -> None:
        """Do what the master does every second, and look at the files every other."""
        now = time.monotonic()
        if now - self._looked_at >= INTERVAL:
            self._looked_at = now
            if self._watch.has_changed():
                self.log.info("a secret changed: the configuration is read again")
                self.reload()
        super().manage_workers()

    def reload(self) -> None:
        """Reload, and watch the files that the configuration names now."""
        # Looked at before they are read: what changes in between is noticed at the next look.
        self._watch.has_changed()
        super().reload()
        self._watch.watch(self._files())


def _glance(path: Path) -> Look:
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev)


def _contents(path: Path) -> str | None:
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None
