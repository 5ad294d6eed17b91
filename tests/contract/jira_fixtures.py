"""A small Jira site with known work: what the delivery contract is tried against, as Cloud and as Data Center."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from connectors.jira_epics import JiraEpics
from connectors.jira_settings import JiraQuery, JiraSettings
from okr_sync.connector import Caller, Referenced
from okr_sync.sandbox.jira import JiraSite
from okr_sync.sandbox.jira_access import Credentials
from okr_sync.sandbox.jira_catalogue import Flavour
from okr_sync.sandbox.jira_truth import states_at
from okr_sync.sandbox.jira_world import Issue, JiraWorld
from okr_sync.sandbox.server import Server
from okr_sync.testing.delivery_world import TOKEN, DeliveryWorld, Kind, Was
from okr_sync.testing.pulled import Mirror, Pulled

START = datetime(2026, 10, 5, 9, 0, tzinfo=UTC)
EMAIL = "ana@example.com"
_PROJECTS = {"alpha": "ALP", "beta": "BET"}
_MOVES: dict[Kind, tuple[str, str | None]] = {
    "open": ("To Do", None),
    "done": ("Done", "Done"),
    "dropped": ("Done", "Won't Do"),
}


class JiraDeliveryWorld(DeliveryWorld):
    """Two epics in two projects behind a loopback server; `world` has Jira's own verbs for more."""

    def __init__(self, flavour: Flavour, page_limit: int | None = None, world: JiraWorld | None = None) -> None:
        self.flavour = flavour
        self.now = START + timedelta(days=30)
        self.world = world or JiraWorld()
        self.epics = {name: self._build(name, key) for name, key in _PROJECTS.items()}
        for name, kinds in (
            ("alpha", ("done", "done", "dropped", "open", "open", "open")),
            ("beta", ("done", "open", "open")),
        ):
            for kind in kinds:
                self._add(name, kind, START + timedelta(days=1))  # type: ignore[arg-type] # the kinds above
        credentials = Credentials(email=EMAIL, token=TOKEN)
        self.site = JiraSite(self.world, lambda: self.now, flavour, credentials=credentials, page_limit=page_limit)
        self.server = Server(self.site)

    def _build(self, name: str, key: str) -> Issue:
        self.world.add_project(key, name.title())
        return self.world.add_epic(key, f"Epic {name}", at=START)

    def _add(self, container: str, kind: Kind, at: datetime) -> str:
        epic = self.epics[container]
        item = self.world.add_issue(epic.key.rpartition("-")[0], f"A {kind} story", at=at, parent=epic, points=3.0)
        status, resolution = _MOVES[kind]
        self.world.move(item, status, at=at, resolution=resolution)
        return item.id

    def scope(self, *containers: str) -> dict[str, Any]:
        return {"epics": [self.epics[name].key for name in containers]}

    def missing_scope(self) -> tuple[dict[str, Any], str]:
        return {"epics": ["ALP-999"]}, "ALP-999"

    def add(self, container: str, kind: Kind) -> str:
        return self._add(container, kind, self.now)

    def finish(self, item: str) -> None:
        self.world.move(item, "Done", at=self.now, resolution="Done")

    def take_out(self, item: str) -> None:
        self.world.reparent(item, None, at=self.now)

    def delete(self, item: str) -> None:
        self.world.delete(item, at=self.now)

    def conceal(self, container: str) -> None:
        self.world.hide_project(_PROJECTS[container], at=self.now)

    def truth(self, container: str) -> dict[str, Kind]:
        epic = self.epics[container]
        held = [each for each in self.world.issues.values() if each.latest("parent") == epic.id]
        return {each.id: self._kind(each) for each in held if not each.latest("deleted")}

    def _kind(self, issue: Issue) -> Kind:
        if self.world.status(issue.latest("status")).category.key != "done":
            return "open"
        return "dropped" if issue.latest("resolution") == "Won't Do" else "done"

    def tick(self, minutes: float) -> None:
        self.now += timedelta(minutes=minutes)

    def live(self, seed: int) -> None:
        dice = Random(seed)
        for _ in range(80):
            self.now += timedelta(milliseconds=dice.choice((0, 1, 20 * 60_000, 7 * 3600_000)))
            items = [each.id for each in self.world.issues.values() if each.type.level == 0]
            self._do(dice, dice.choice([id_ for id_ in items if not self.world.find(id_).latest("deleted")]))
        self.now += timedelta(minutes=1)

    def _do(self, dice: Random, item: str) -> None:
        deed = dice.randrange(20)
        if deed < 8:
            status = dice.choice(("To Do", "In Progress", "进行中", "Done", "Closed", "Done"))
            self.world.move(item, status, at=self.now, resolution=dice.choice((None, "Done", "Won't Do")))
        elif deed < 12:
            self.world.edit(item, at=self.now, points=dice.choice((None, 0.0, 3.0, 5.0, 8, -1.0, "13", "many")))
        elif deed < 16:
            self.world.reparent(item, dice.choice((None, *self.epics.values())), at=self.now)
        elif deed < 17:
            self.world.change_project(item, dice.choice(list(_PROJECTS.values())), at=self.now)
        elif deed < 19:
            self.add(dice.choice(list(self.epics)), dice.choice(("open", "done")))
        else:
            self.delete(item)

    def was(self, at: datetime) -> dict[str, Was]:
        return {
            id_: Was(was.state, was.resolution, was.points, was.above, was.above)
            for id_, was in states_at(self.world, at).items()
        }

    def many(self, count: int) -> list[dict[str, Any]]:
        for number in range(5):
            self.world.add_project(f"M{number}", f"Many {number}")
        return [self._one_of_many(number) for number in range(count)]

    def _one_of_many(self, number: int) -> dict[str, Any]:
        epic = self.world.add_epic(f"M{number % 5}", f"Epic {number}", at=START)
        for _ in range(3):
            self.world.add_issue(f"M{number % 5}", "A story", at=START, parent=epic)
        return {"epics": [epic.key]}


class Jira:
    """A world with a connector to it; `pull` keeps the cursor and a mirror."""

    def __init__(self, world: JiraDeliveryWorld, caller: Caller | None = None, **settings: Any) -> None:
        self.home, self.world = world, world.world
        who = {"email": EMAIL} if world.flavour == "cloud" else {}
        home = {"url": world.server.url, "allow_hosts": ["127.0.0.1"]}
        raw = {**home, "token": Referenced(TOKEN), **who, **settings}
        self.connector = JiraEpics(JiraSettings(**raw), caller)
        self.connector.mirror = self.mirror = Mirror()
        self.left: frozenset[str] = frozenset()
        self.cursor: str | None = None

    def pull(self, **scopes: Any) -> Pulled:
        """Return one pull from where the last one ended, with what its containers hold after it."""
        pulled = self._ask(self.cursor, scopes)
        self.cursor, self.left = pulled.cursor, self.mirror.take(pulled)
        held = {container for containers in pulled.scopes.values() for container in containers}
        pulled.members = {container: self.mirror.members(container) for container in held}
        pulled.containers = {container: self.mirror.containers[container] for container in held}
        return pulled

    def _ask(self, cursor: str | None, scopes: dict[str, Any]) -> Pulled:
        self.home.server.forget()
        queries = {ref: JiraQuery(**query) for ref, query in scopes.items()}
        pulled = Pulled.of(self.connector.pull(queries, cursor, self.home.now))
        pulled.check(scopes, self.home.now, self.mirror.containers if cursor else ())
        return pulled

    def check_mirror(self, **scopes: Any) -> None:
        """Pull once more and assert that the mirror equals a pull of everything."""
        self.pull(**scopes)
        fresh = self._ask(None, scopes)
        for container, members in fresh.members.items():
            assert self.mirror.held(container) == {item: fresh.items[item] for item in members.items}

    @property
    def requests(self) -> int:
        """How many requests the last pull took."""
        return len(self.home.server.log)


def serve(flavour: Flavour, page_limit: int | None = None) -> Iterator[Jira]:
    """Yield a site that is being served, with a connector to it."""
    world = JiraDeliveryWorld(flavour, page_limit)
    with world.server:
        jira = Jira(world)
        yield jira
        jira.connector.close()
