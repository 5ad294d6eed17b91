"""sql keeps the laws of metric sources in real databases, only ever reads, and says what to do about what it finds."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError

from connectors.sql import Sql
from connectors.sql_address import parse_url
from connectors.sql_failures import hide
from connectors.sql_settings import SqlQuery, SqlSettings
from okr_sync.connector import AccessError, Ask, Caller, Miss, Outcome, Reading, Referenced, SourceError, TransientError
from okr_sync.testing.metrics import CountingCaller, MetricSourceContract, MetricWorld
from tests.contract.sql_worlds import (
    NOW,
    PASSWORD,
    SERIES,
    START,
    Database,
    SqlWorld,
    mariadb_database,
    postgres_database,
    sqlite,
)
from tests.servers.mariadb import mariadb
from tests.servers.postgres import GUARDED, postgres

__all__ = ["mariadb", "postgres"]

SERVERS = ["sqlite", "postgres", "mariadb"]


@pytest.fixture(params=SERVERS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """The survey in each kind of database."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield sqlite(tmp_path)
        elif request.param == "postgres":
            yield stack.enter_context(postgres_database(request.getfixturevalue("postgres")))
        else:
            yield stack.enter_context(mariadb_database(request.getfixturevalue("mariadb")))


class TestSqlContract(MetricSourceContract):
    @pytest.fixture
    def world(self, database: Database) -> Iterator[MetricWorld]:
        world = SqlWorld(database)
        if database.name == "postgres":
            world.guard(
                f"CREATE ROLE {GUARDED} LOGIN PASSWORD '{PASSWORD}'; GRANT SELECT ON survey TO {GUARDED}",
                f"ALTER ROLE {GUARDED} PASSWORD 'another'",
            )
        if database.name == "mariadb":
            user = f"'{GUARDED}'@'localhost'"
            world.guard(
                f"GRANT SELECT ON sales.* TO {user} IDENTIFIED BY '{PASSWORD}'",
                f"SET PASSWORD FOR {user} = PASSWORD('x')",
            )
        yield world
        if database.name == "postgres":
            database.execute(f"DROP OWNED BY {GUARDED}")
            database.execute(f"DROP ROLE {GUARDED}")
        if database.name == "mariadb":
            database.execute(f"DROP USER {user}")


def ask(database: Database, sql: str, caller: Caller | None = None, **settings: Any) -> Outcome:
    """Return the outcome of one statement."""
    return many(database, {"kr": {"sql": sql}}, caller, **settings)["kr"]


def many(
    database: Database, queries: Mapping[str, Any], caller: Caller | None = None, **settings: Any
) -> dict[str, Outcome]:
    """Return the outcomes of several queries."""
    source = Sql(SqlSettings.model_validate({**database.settings, **settings}), caller)
    parsed = {ref: SqlQuery.model_validate(query) for ref, query in queries.items()}
    return dict(source.read(Ask(parsed, START, NOW)))


def miss(outcome: Outcome) -> str:
    """Return kind and message of a miss."""
    assert isinstance(outcome, Miss), outcome
    return f"{outcome.why}: {outcome.message}"


def failure(url: str, **settings: Any) -> SourceError:
    """Return how a source at this address fails."""
    source = Sql(SqlSettings.model_validate({"url": url, "timeout": 2, **settings}))
    with pytest.raises(SourceError) as caught:
        source.read(Ask({"kr": SqlQuery(sql="SELECT 1")}, START, NOW))
    return caught.value


WRITES = {
    "sqlite": ["WITH one AS (SELECT 1) INSERT INTO survey (nps) SELECT 7", "WITH one AS (SELECT 1) DELETE FROM survey"],
    "postgres": [
        "WITH gone AS (DELETE FROM survey RETURNING 1) SELECT count(*) FROM gone",
        "SELECT write_one()",
        "SELECT set_config('transaction_read_only', 'off', false)",
    ],
    "mariadb": ["SELECT write_one()"],
}
FUNCTIONS = {
    "postgres": "CREATE FUNCTION write_one() RETURNS int LANGUAGE sql AS 'DELETE FROM survey; SELECT 1'",
    "mariadb": "CREATE FUNCTION write_one() RETURNS int BEGIN DELETE FROM survey; RETURN 1; END",
}


def test_a_write_fails_although_the_user_may_write(database: Database) -> None:
    """The owner of the table can't change it through a metric, by whatever door; what stands beside it is answered."""
    if database.name in FUNCTIONS:
        database.execute(FUNCTIONS[database.name])
    for sql in WRITES[database.name]:
        answer = many(database, {"bad": {"sql": sql}, "good": {"sql": "SELECT count(*) FROM survey"}})
        assert isinstance(answer["bad"], Miss), answer
        assert answer["good"] == (Reading(6, None, "row 1"),)


@pytest.mark.parametrize(
    "sql",
    ["DELETE FROM survey", "SELECT 1; DROP TABLE survey", "/* SELECT */ UPDATE survey SET nps = 1", "", "-- SELECT 1"],
)
def test_what_is_no_select_is_refused_before_it_is_sent(sql: str) -> None:
    with pytest.raises(ValidationError, match="expected one SELECT"):
        SqlQuery(sql=sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT ';'",
        "-- all; of them\nSELECT 1 -- one; only\n",
        "(SELECT 1)",
        "with x as (select 1) select * from x",
        "SELECT 1::int",
    ],
)
def test_a_select_may_hold_comments_and_semicolons_in_text(sql: str) -> None:
    assert SqlQuery(sql=sql).sql == sql


def test_the_semicolon_at_the_end_is_taken_off(database: Database) -> None:
    assert SqlQuery(sql="SELECT 5 ; -- five").sql == "SELECT 5 "
    assert ask(database, "SELECT 5 ; -- five") == (Reading(5, None, "row 1"),)


def test_an_unknown_parameter_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValidationError, match="unknown parameter :finish; there are :start, :end and :now"):
        SqlQuery(sql="SELECT 1 WHERE 1 < :finish")
    with pytest.raises(ValidationError, match="exactly one of sql and statement"):
        SqlQuery(sql="SELECT 1", statement="x")


SLOW = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "postgres": "SELECT 1 FROM pg_sleep(20)",
    "mariadb": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
    "SELECT count(*) FROM n AS a, n AS b, n AS c, n AS d",
}


def test_a_slow_statement_is_stopped_and_the_others_answered(database: Database) -> None:
    slow = SLOW[database.name]
    began = time.monotonic()
    answer = many(database, {"slow": {"sql": slow}, "fast": {"sql": "SELECT 5"}}, timeout=0.3)
    assert miss(answer["slow"]).startswith("unreachable: took longer than 0.3 s (")
    assert "raise `timeout`" in miss(answer["slow"])
    assert answer["fast"] == (Reading(5, None, "row 1"),)
    assert time.monotonic() - began < 10


def test_more_rows_than_allowed_are_a_miss(database: Database) -> None:
    assert miss(ask(database, "SELECT asked AS time, nps AS value FROM survey", rows=3)) == (
        "invalid: more than 3 rows; aggregate in the statement, or raise `rows`"
    )
    assert isinstance(ask(database, SERIES, rows=2), tuple)


def test_dated_rows_are_readings_inside_the_window_only(database: Database) -> None:
    """Rows before the window and after now are left out, whatever the statement returns."""
    outcome = ask(database, "SELECT asked AS time, nps AS value FROM survey WHERE region = 'eu'")
    first, second = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
    assert outcome == (Reading(31, first, "row 2"), Reading(33.5, second, "row 3"))
    only_future = "SELECT asked AS time, nps FROM survey WHERE nps = 99"
    assert miss(ask(database, only_future)) == "no_data: no row lies between 2026-10-01 and 2026-11-15"


def test_a_naive_time_is_meant_in_the_time_zone_of_the_source(database: Database) -> None:
    """Midnight of October 1 in Kathmandu lies before the window, in New York inside; parameters are meant alike."""
    far = ask(database, SERIES, timezone="America/New_York")
    assert isinstance(far, tuple)
    assert [each.time for each in far] == [
        datetime(2026, 10, 1, 4, tzinfo=UTC), datetime(2026, 11, 1, 4, tzinfo=UTC),
    ]  # fmt: skip
    near = ask(database, SERIES, timezone="Asia/Kathmandu")
    assert isinstance(near, tuple)
    assert [each.value for each in near] == [33.5]


VALUES = [
    ("SELECT 1.5", 1.5),
    ("SELECT CAST(12.25 AS DECIMAL(9,2))", 12.25),
    ("SELECT -3", -3.0),
    ("SELECT NULL", "no_data: the statement returned no value"),
    ("SELECT 1 WHERE 1 = 0", "no_data: the statement returned no value"),
    ("SELECT '12'", "invalid: row 1: '12' is no number; CAST it to one"),
    ("SELECT 1, 2", "invalid: which column is the value? name it with AS value"),
    ("SELECT 1 AS value, 2 AS other", 1.0),
    ("SELECT 1 AS ref, 2 AS value UNION ALL SELECT 2, 3", "invalid: 2 rows where one value belongs; name a `ref`"),
    ("SELECT 1 AS value UNION ALL SELECT 2", "invalid: 2 rows where one value belongs; aggregate them"),
    ("SELECT NULL AS time, 2 AS value", "invalid: row 1: `time` is empty; leave such rows out"),
    ("SELECT 'soon' AS time, 2 AS value", "invalid: row 1: 'soon' in `time` is no date like"),
    ("SELECT 20261001 AS time, 2 AS value", "invalid: row 1: 20261001 in `time` is no date"),
    ("SELECT '2026-10-05' AS time, 2 AS value UNION ALL SELECT '2026-10-05', 3", "invalid: row 1 and row 2 have two"),
    ("SELECT '2026-10-05' AS time, 2 AS value UNION ALL SELECT '2026-10-05', 2", 2.0),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), VALUES)
def test_each_kind_of_value_is_a_number_or_says_what_to_do(database: Database, sql: str, expected: float | str) -> None:
    if database.name == "mariadb" and "WHERE 1 = 0" in sql:
        sql = "SELECT 1 FROM DUAL WHERE 1 = 0"
    outcome = ask(database, sql)
    if isinstance(expected, str):
        assert miss(outcome).startswith(expected)
    else:
        assert isinstance(outcome, tuple), outcome
        assert [each.value for each in outcome] == [expected]


def test_what_only_postgres_can_return(postgres: Any) -> None:
    """Truth values and NaN are no numbers; dates and aware times are dates."""
    with postgres_database(postgres) as database:
        assert "CASE WHEN" in miss(ask(database, "SELECT true"))
        assert "no number to calculate with" in miss(ask(database, "SELECT 'NaN'::float8"))
        assert "no number to calculate with" in miss(ask(database, "SELECT 'NaN'::numeric"))
        expected = (Reading(2, datetime(2026, 10, 4, 22, tzinfo=UTC), "row 1"),)
        day = "SELECT DATE '2026-10-05' AS time, 2 AS value"
        assert ask(database, day, timezone="Europe/Berlin") == expected
        assert ask(database, "SELECT TIMESTAMPTZ '2026-10-05 00:00+02' AS time, 2") == expected


def test_a_ref_without_a_column_or_a_value_says_so(database: Database) -> None:
    answer = many(
        database,
        {
            "column": {"sql": "SELECT 5", "ref": "eu"},
            "empty": {"sql": "SELECT 'eu' AS ref, NULL AS value", "ref": "eu"},
            "none": {"sql": "SELECT region AS ref, nps AS value FROM survey WHERE nps > 500", "ref": "eu"},
        },
    )
    assert "there is no column `ref`" in miss(answer["column"])
    assert miss(answer["empty"]) == "no_data: the rows of ref 'eu' have no value"
    assert miss(answer["none"]).startswith("no_data: no row has ref 'eu'")


def test_a_hundred_questions_with_ten_statements_are_ten_executions_on_one_connection(postgres: Any) -> None:
    """Counted by PostgreSQL itself."""
    with postgres_database(postgres) as database:
        database.execute("CREATE TABLE runs (pid int); GRANT ALL ON runs TO PUBLIC")
        caller = CountingCaller()
        queries = {f"kr{n}": {"sql": f"SELECT pg_backend_pid() * 0 + {n % 10} AS value"} for n in range(100)}
        answer = many(database, queries, caller)
        assert {ref: each[0].value for ref, each in answer.items() if isinstance(each, tuple)} == {
            f"kr{n}": n % 10 for n in range(100)
        }
        assert caller.count == 1 + 10, "one connection, ten statements"
        pids = many(database, {f"kr{n}": {"sql": f"SELECT pg_backend_pid() AS value -- {n}"} for n in range(10)})
        assert len({str(each) for each in pids.values()}) == 1


def test_a_connection_that_drops_is_worth_another_try(postgres: Any) -> None:
    with postgres_database(postgres) as database, pytest.raises(TransientError, match="was lost"):
        ask(database, "SELECT count(*) FROM (SELECT pg_terminate_backend(pg_backend_pid())) AS x")


def test_a_table_that_we_may_not_read_is_denied(postgres: Any) -> None:
    with postgres_database(postgres) as database:
        database.execute("CREATE ROLE stranger LOGIN")
        stranger = str(database.settings["url"]).replace("okr@", "stranger@")
        outcome = ask(database, SERIES, url=stranger)
        assert miss(outcome) == "denied: permission denied for table survey; grant SELECT on it to stranger"
        database.execute("DROP ROLE stranger")


def test_a_server_that_is_not_there_is_worth_another_try() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for driver in ("postgresql", "mysql"):
        error = failure(f"{driver}://okr@127.0.0.1:{port}/sales", password=Referenced(PASSWORD))
        assert isinstance(error, TransientError), error
        assert error.fix
        assert PASSWORD not in f"{error}{error.fix}"


def test_a_database_that_does_not_exist_is_named(postgres: Any) -> None:
    error = failure(postgres.url("nowhere"))
    assert isinstance(error, AccessError)
    assert "nowhere" in str(error)


@pytest.mark.parametrize(
    ("url", "fix"),
    [
        ("snowflake://okr@account/sales", 'pip install "okr-sync[snowflake]"'),
        ("bigquery://project/dataset", 'pip install "okr-sync[bigquery]"'),
        ("mysql+mysqldb://okr@localhost/x", 'pip install "okr-sync[mysql]"'),
        ("firebird://okr@localhost/x", "install the SQLAlchemy dialect for firebird"),
    ],
)
def test_a_missing_driver_says_how_to_install_it(url: str, fix: str) -> None:
    error = failure(url)
    assert "is not installed" in str(error)
    assert error.fix == fix


@pytest.mark.parametrize("url", ["postgresql://okr:s3cret@db/sales", "mysql://okr@db/sales?passwd=s3cret"])
def test_a_password_in_a_file_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SqlSettings.model_validate({"url": url})
    assert "write `password: ${NAME}`" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_url_by_reference_may_hold_its_password(postgres: Any) -> None:
    """It shows nowhere."""
    given = postgres.url().replace("okr@", "okr:s3cret%2Fx@")
    source = Sql(SqlSettings.model_validate({"url": Referenced(given)}))
    assert source.settings.address().password == "s3cret/x"
    shown = f"{source.settings!r} {source.probe()} {json.dumps(source.settings.model_dump(mode='json'), default=str)}"
    assert "s3cret" not in shown
    assert source.probe().startswith("connected to postgresql://okr@/")


@pytest.mark.parametrize("password", ["s3cret-pass", "s3/cr@t", "a b+c"])
def test_a_driver_that_quotes_the_password_is_silenced(password: str) -> None:
    """In whatever form it stands in the address."""
    url = parse_url("postgresql://okr@db/x").set(password=password)
    for form in (password, quote(password, safe=""), quote_plus(password)):
        said = hide(OperationalError("SELECT 1", None, Exception(f"bad address okr:{form}@db\nand more")), url)
        assert said == "bad address okr:***@db"


@pytest.mark.parametrize("url", ["", "sales.db", "postgresql//db"])
def test_what_is_no_address_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ValidationError, match="expected a database URL like postgresql://okr@db"):
        SqlSettings.model_validate({"url": url})


def test_a_relative_file_starts_at_the_folder_of_the_config(tmp_path: Path) -> None:
    sqlite(tmp_path)
    settings = SqlSettings.model_validate({"url": "sqlite:///sales.db"}, context={"folder": tmp_path})
    answer = Sql(settings).read(Ask({"kr": SqlQuery(sql="SELECT count(*) FROM survey")}, START, NOW))
    assert answer["kr"] == (Reading(6, None, "row 1"),)


def test_an_address_that_its_driver_cannot_use_is_refused_without_the_password(tmp_path: Path) -> None:
    """SQLite has no passwords."""
    error = failure(f"sqlite:///{tmp_path}/x.db", password=Referenced(PASSWORD))
    assert isinstance(error, AccessError)
    assert "can't use the address" in str(error)
    assert PASSWORD not in f"{error}{error.fix}"


def test_a_missing_file_is_not_created(tmp_path: Path) -> None:
    error = failure(f"sqlite:///{tmp_path}/nowhere.db")
    assert isinstance(error, AccessError)
    assert list(tmp_path.iterdir()) == []
