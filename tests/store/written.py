"""`make schema`: writes down the schema to which all revisions lead, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, NullPool, create_engine, text

from okr_sync.store import newest, schema
from tests.servers.postgres import running

INSERT = "INSERT INTO alembic_version (version_num) VALUES ('{}')"
ON_SQLITE = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), quote_ident(l.collname), a.attnotnull,
  pg_get_expr(d.adbin, d.adrelid)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_collation l ON l.oid = a.attcollation AND a.attcollation <> t.typcollation
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' ORDER BY c.relname, a.attnum
"""
CONSTRAINTS = """
SELECT c.relname, quote_ident(k.conname), pg_get_constraintdef(k.oid), k.contype = 'f'
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE c.relnamespace = current_schema()::regnamespace AND k.contype IN ('p', 'u', 'c', 'f')
ORDER BY k.contype = 'f', c.relname, k.conname
"""
INDEXES = """
SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relnamespace = current_schema()::regnamespace
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid) ORDER BY c.relname
"""
VIEWS = """
SELECT c.relname, pg_get_viewdef(c.oid) FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'v' ORDER BY c.relname
"""
SERIAL = {"integer": "SERIAL", "bigint": "BIGSERIAL"}


def told(connection: Connection) -> list[str]:
    """Return the statements that make what the database holds, without its rows."""
    if connection.dialect.name == "sqlite":
        return [" ".join(statement.split()) for statement in connection.execute(text(ON_SQLITE)).scalars()]
    return list(_on_postgres(connection))


def _on_postgres(connection: Connection) -> Iterator[str]:
    tables: dict[str, list[str]] = {}
    for table, name, kind, collation, required, default in connection.execute(text(COLUMNS)):
        tables.setdefault(table, []).append(_column(table, name, kind, collation, default, required=required))
    constraints = connection.execute(text(CONSTRAINTS)).all()
    for table, name, said, _ in (each for each in constraints if not each[3]):
        tables[table].append(f"CONSTRAINT {name} {said}")
    for table, lines in tables.items():
        inside = ",\n  ".join(lines)
        yield f"CREATE TABLE {table} (\n  {inside}\n)"
    yield from (f"ALTER TABLE {table} ADD CONSTRAINT {name} {said}" for table, name, said, last in constraints if last)
    schema_name = connection.execute(text("SELECT current_schema()")).scalar_one()
    for index in connection.execute(text(INDEXES)).scalars():
        yield index.replace(f" ON {schema_name}.", " ON ")
    for view, said in connection.execute(text(VIEWS)):
        yield f"CREATE VIEW {view} AS {said.strip().removesuffix(';')}"


def _column(table: str, name: str, kind: str, collation: str | None, default: str | None, *, required: bool) -> str:
    counted = default == f"nextval('{table}_{name}_seq'::regclass)"
    words = [f'"{name}"', SERIAL[kind] if counted else kind]
    words += [f"COLLATE {collation}"] if collation else []
    words += [f"DEFAULT {default}"] if default and not counted else []
    return " ".join([*words, "NOT NULL"] if required else words)


@contextmanager
def walked(url: str) -> Iterator[Connection]:
    """Give a connection to an empty database that went through all revisions."""
    with create_engine(url, poolclass=NullPool).begin() as connection:
        schema.upgrade(connection)
        yield connection


def write(url: str) -> None:
    """Write down what all revisions make of the empty database at `url`, in place of what stood there."""
    with walked(url) as connection:
        revision, database = schema.newest_revision(), connection.dialect.name
        statements = [*told(connection), INSERT.format(revision)]
    file = newest.file_of(revision, database)
    for other in file.parent.glob(f"*.{database}.sql"):
        other.unlink()
    file.write_text(newest.BETWEEN.join(statements) + "\n", "utf-8")


def main() -> None:
    """Write both."""
    newest.file_of("", "").parent.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="okr-sync-schema-") as folder:
        write(f"sqlite:///{Path(folder) / 'walked.db'}")
    with running() as server, server.fresh() as name:
        write(server.url(name))


if __name__ == "__main__":
    main()
