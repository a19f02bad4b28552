"""A gradebook that a database server keeps, PostgreSQL for example, looked at before anything is run."""

import re

from nbgrader.api import Base
from sqlalchemy import Connection, create_engine, inspect
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from autograder.classroom.course import CourseError

PASSWORD = re.compile(r"(?<=:)[^:/@]+(?=@)")
ANSWER_SECONDS = 10  # how long to wait for a server that does not answer


def check_server(db_url: str) -> None:
    """Looks whether the gradebook at an address can be used.

    Raises:
        CourseError: if its driver is not installed, the server does not answer or lets nobody in, or the gradebook is
            one of an older nbgrader.
    """
    try:
        wait = {"connect_timeout": ANSWER_SECONDS} if db_url.startswith("postgresql") else {}
        engine = create_engine(db_url, connect_args=wait)
    except ModuleNotFoundError as error:
        raise CourseError(
            f"A gradebook at {without_password(db_url)} needs {error.name}: pip install 'sd-unet-course[postgresql]'"
        ) from error
    except (ArgumentError, NoSuchModuleError) as error:
        raise CourseError(f"`db_url` must be an address that SQLAlchemy knows. Received: {_plain(error)}") from error
    try:
        with engine.connect() as connection:
            older = _lacks_columns(connection)
    except SQLAlchemyError as error:
        raise CourseError(
            f"The gradebook must be a database that answers. Received: {without_password(db_url)}: {_plain(error)}"
        ) from error
    finally:
        engine.dispose()
    if older:
        raise CourseError(
            f"The gradebook must be one of this nbgrader. Received: {without_password(db_url)}, of an older one: make "
            "a copy of it (pg_dump), then run `nbgrader db upgrade`"
        )


def without_password(db_url: str) -> str:
    """The address of a gradebook as it may be shown."""
    return PASSWORD.sub("***", db_url)


def _lacks_columns(connection: Connection) -> bool:
    """Whether a table lacks a column that this nbgrader asks for; one that is not there at all, nbgrader makes."""
    found = inspect(connection)
    names = set(found.get_table_names())
    for table in Base.metadata.sorted_tables:
        there = {column["name"] for column in found.get_columns(table.name)} if table.name in names else set()
        if there and not there.issuperset(column.name for column in table.columns):
            return True
    return False


def _plain(error: Exception) -> str:
    """An error's first line, without passwords."""
    lines = str(error).splitlines() or [type(error).__name__]
    return without_password(lines[0])[:300]
