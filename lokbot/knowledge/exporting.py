"""The content written into a folder as files: articles as they are now, all else as the files say."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lokbot.knowledge.amending import NotAmendable
from lokbot.knowledge.updating import with_article
from lokbot.knowledge.writing import article_to_yaml
from lokbot.model import Article, Knowledge, UserError


class NotWritable(UserError):
    """A file cannot be written; the message says which."""

    exit_code = 4


@dataclass(frozen=True, slots=True)
class Exported:
    """Files by what became of them. ``anew`` were laid out so that they had to be written whole, without comments."""

    written: tuple[Path, ...]
    same: tuple[Path, ...]
    anew: tuple[Path, ...]


def export(knowledge: Knowledge, source: Path, folder: Path) -> Exported:
    """Make ``folder`` a knowledge directory that says what ``knowledge`` says, and that ``lokbot check`` reads.

    ``source`` is the directory that the content was read from. An article's file is updated where it stands, in
    ``folder`` or else as in ``source``: comments and order stay. Whatever else ``folder`` lacks is copied.
    Raises NotWritable.
    """
    try:
        articles = folder / "articles"
        articles.mkdir(parents=True, exist_ok=True)
        _copy_what_lacks(source, folder)
        done: dict[str, list[Path]] = {"written": [], "same": [], "anew": []}
        for article in knowledge.articles.values():
            done[_write(article, articles / f"{article.id}.yaml", source / "articles")].append(
                articles / f"{article.id}.yaml"
            )
    except OSError as error:
        raise NotWritable(f"{error.filename or folder} går inte att skriva ({error.strerror}).") from None
    return Exported(*map(tuple, done.values()))


def _copy_what_lacks(source: Path, folder: Path) -> None:
    for path in sorted(source.rglob("*.yaml")):
        place = path.relative_to(source)
        if place.parts[0] != "articles" and not (folder / place).exists():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, folder / place)


def _write(article: Article, file: Path, source: Path) -> str:
    known = next((one.read_text("utf-8") for one in (file, source / file.name) if one.exists()), None)
    became = "written"
    if known is None:
        text = article_to_yaml(article)
    else:
        try:
            text = with_article(known, file, article)
        except NotAmendable:
            text, became = article_to_yaml(article), "anew"
    if file.exists() and text == known:
        return "same"
    replace_file(file, text)
    return became


def replace_file(file: Path, text: str) -> None:
    """Write a file in one step: whoever reads it meanwhile sees the old or the new one, whole. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.part")
    unfinished.write_text(text, encoding="utf-8")
    with suppress(FileNotFoundError):
        os.chmod(unfinished, file.stat().st_mode)
    os.replace(unfinished, file)
