"""The engine of many workers: wake-ups are jobs of Procrastinate in the store's own PostgreSQL, whoever performs them.

A job says no more than *look*. One that a dead worker leaves behind is put back by the others, a few times; whatever
becomes of it, what is due is in the store, and the next round finds it.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import DeleteJobCondition, Job, Status
from procrastinate.worker import Worker
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from sqlalchemy import make_url

from okr_sync.errors import StoreError
from okr_sync.schedule.engine import Perform, Tell, Wake
from okr_sync.schedule.local import told
from okr_sync.store.database import Store
from okr_sync.store.postgres import connection_words
from okr_sync.store.queue import QUEUE

__all__ = ["GiveUp", "ProcrastinateEngine", "Rhythm"]

GiveUp = Callable[[Wake, int], None]
"""Called with a wake-up that ended so many workers and is not performed again."""

TASK = "okr_sync.wake"
LOST = (ConnectorException, psycopg.OperationalError, PoolTimeout)
"""What comes of a server that is gone, restarts, or refuses."""
KEPT = 24  # hours that a job which was given up stays to be looked at
LOUD = ("procrastinate", "psycopg")
WAITING = "SELECT count(*) AS waiting FROM procrastinate_jobs WHERE status = 'todo' AND queue_name = %s"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often a worker shows that it lives, and what becomes of the jobs of one that doesn't any more."""

    beat: timedelta = timedelta(seconds=10)
    silence: timedelta = timedelta(seconds=30)
    """After so long without a beat a worker counts as dead."""
    attempts: int = 3
    """How many workers one wake-up may end."""
    pause: timedelta = timedelta(seconds=0.5)
    """Between losing the server and looking for it again; doubled until `longest`."""
    longest: timedelta = timedelta(seconds=5)


class ProcrastinateEngine:
    """Carries wake-ups over all workers of a store on PostgreSQL; makes the queue's tables when they are missing.

    Raises StoreError when the store can't be opened.
    """

    def __init__(
        self, store_url: str, tell: Tell, give_up: GiveUp = lambda _wake, _attempts: None, rhythm: Rhythm | None = None
    ) -> None:
        with closing(Store.open(store_url)) as store:
            store.prepare_queue()
        self._tell, self._give_up, self._rhythm = tell, give_up, rhythm or Rhythm()
        self._words = connection_words(make_url(store_url))
        self._clocks = App(connector=SyncPsycopgConnector())
        self._stopped = threading.Event()
        self._stopping = threading.Lock()
        self._end: Callable[[], None] | None = None

    def enqueue(self, wake: Wake) -> bool:
        """Put a job into the queue unless the same one waits; one that the server does not take is told and lost."""
        try:
            with self._connected() as connection:
                job = self._clocks.configure_task(
                    TASK, queue=QUEUE, queueing_lock=f"{QUEUE} {wake.at.isoformat()}", connection=connection
                )
                job.defer(at=wake.at.isoformat())
        except AlreadyEnqueued:
            return False
        except LOST as error:
            self._tell(f"a wake-up is lost, the next one makes it good: {_said(error)}")
            return False
        return True

    def work(self, perform: Perform) -> None:
        """Perform jobs until `stop`; after the loss of the server, begin anew when it is back."""
        for name in LOUD:
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what happens to connections is told here
        pause = self._rhythm.pause
        while not self._stopped.is_set():
            try:
                asyncio.run(self._serve(perform))
                pause = self._rhythm.pause
            except LOST as error:
                self._tell(f"the queue can't be reached, it is tried again: {_said(error)}")
            self._stopped.wait(pause.total_seconds())
            pause = min(2 * pause, self._rhythm.longest)

    def stop(self) -> None:
        """Let `work` return after the job under way."""
        with self._stopping:
            self._stopped.set()
            if self._end is not None:
                self._end()

    def waiting(self) -> int:
        """Return how many jobs wait for any worker. Raises StoreError when the server can't be asked."""
        try:
            with self._connected() as connection, connection.cursor(row_factory=dict_row) as cursor:
                row = cursor.execute(WAITING, [QUEUE]).fetchone()
        except LOST as error:
            raise StoreError(
                f"The queue can't be asked: {_said(error)}; start the server or correct `store`."
            ) from None
        return int(row["waiting"]) if row else 0

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Any]]:
        """Give a connection of its own: clocks ring rarely, and a kept one would have to be found dead first."""
        with psycopg.connect(**self._words) as connection:
            yield connection

    async def _serve(self, perform: Perform) -> None:
        """Work until `stop`, or until the server is lost."""
        async with self._opened() as app:
            app.task(name=TASK, queue=QUEUE)(self._performing(perform))
            worker = Worker(
                app,
                queues=[QUEUE],
                delete_jobs=DeleteJobCondition.ALWAYS,
                install_signal_handlers=False,
                update_heartbeat_interval=self._rhythm.beat.total_seconds(),
                stalled_worker_timeout=self._rhythm.silence.total_seconds(),
            )
            working = asyncio.create_task(worker.run())  # type: ignore[no-untyped-call]  # the library has no type here
            reaping = asyncio.create_task(self._reap(app))
            await asyncio.sleep(0)  # the worker forgets what it was told before it began
            with self._ending(worker):
                try:
                    await asyncio.wait([working, reaping], return_when=asyncio.FIRST_COMPLETED)
                    worker.stop()  # type: ignore[no-untyped-call]
                    await working
                finally:
                    reaping.cancel()
                    with suppress(asyncio.CancelledError):
                        await reaping

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[App]:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, said: self._tell(f"the queue: {_of_loop(said)}"))
        pool = AsyncConnectionPool(
            kwargs=self._words,
            min_size=1,
            max_size=3,
            timeout=5,
            reconnect_timeout=5,
            open=False,
            check=AsyncConnectionPool.check_connection,
        )
        async with pool:
            app = App(connector=PsycopgConnector())
            await app.open_async(pool)
            yield app

    @contextmanager
    def _ending(self, worker: Worker) -> Iterator[None]:
        """Let `stop` reach the worker while it works, from any thread."""
        loop = asyncio.get_running_loop()
        with self._stopping:
            self._end = lambda: _call(loop, worker.stop)
            if self._stopped.is_set():
                worker.stop()  # type: ignore[no-untyped-call]
        try:
            yield
        finally:
            with self._stopping:
                self._end = None

    def _performing(self, perform: Perform) -> Callable[..., Any]:
        """Return the task: it performs in a thread that the process need not wait for when it ends."""

        async def wake(at: str) -> None:
            loop = asyncio.get_running_loop()
            done = asyncio.Event()

            def run() -> None:
                try:
                    perform(Wake(datetime.fromisoformat(at)))
                except Exception as error:  # noqa: BLE001 -- whatever one wake-up did, the next one is performed
                    self._tell(told(error))
                finally:
                    _call(loop, done.set)

            threading.Thread(target=run, name="okr-sync-wake", daemon=True).start()
            await done.wait()

        return wake

    async def _reap(self, app: App) -> None:
        """Put back the jobs of workers that are dead, give up those that ended too many, forget old ones."""
        jobs, silence = app.job_manager, self._rhythm.silence.total_seconds()
        while True:
            for job in await jobs.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=silence):
                await self._put_back(app, job)
            await jobs.delete_old_jobs(KEPT, QUEUE, include_failed=True, include_cancelled=True, include_aborted=True)
            await asyncio.sleep(self._rhythm.beat.total_seconds())

    async def _put_back(self, app: App, job: Job) -> None:
        attempts = job.attempts + 1
        if attempts < self._rhythm.attempts:
            with suppress(ConnectorException):  # the same one waits already, or another worker was faster
                await app.job_manager.retry_job(job)
                return
        with suppress(ConnectorException):
            await app.job_manager.finish_job(job, Status.FAILED, delete_job=False)
            if attempts >= self._rhythm.attempts:
                wake = Wake(datetime.fromisoformat(str(job.task_kwargs["at"])))
                self._tell(f"the wake-up of {wake.at:%Y-%m-%d %H:%M:%S} UTC ended {attempts} workers and is given up")
                await asyncio.to_thread(self._record, wake, attempts)

    def _record(self, wake: Wake, attempts: int) -> None:
        try:
            self._give_up(wake, attempts)
        except StoreError as error:
            self._tell(told(error))


def _call(loop: asyncio.AbstractEventLoop, what: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the loop ended meanwhile: nobody waits any more
        loop.call_soon_threadsafe(what)


def _said(error: BaseException) -> str:
    """Return the first line of what the database said."""
    cause = error.__cause__ if isinstance(error, ConnectorException) and error.__cause__ else error
    return (str(cause).strip().partition("\n")[0] or type(cause).__name__).rstrip(".")


def _of_loop(said: dict[str, Any]) -> str:
    error = said.get("exception")
    return _said(error) if isinstance(error, LOST) else str(said.get("message", ""))
