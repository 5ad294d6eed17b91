"""`python -m tests.bench.deliveries.downloading PLAN`: fetches what a plan names, parses it, and keeps nothing.

What a program could at best take for the same requests: asynchronous, ten at a time, no store. The plan is made of a
request log; pages that are reached by a token come one after the other, as nobody knows the next token before.
Prints `requests`, `bytes` and `seconds` (from the first request to the last answer) as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import orjson

CONCURRENCY = 10
TOKEN = "nextPageToken"


def plan(log: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return chains of requests: `method`, `path`, `query`, `body`, and `pages`, how many the chain has."""
    chains: dict[str, dict[str, Any]] = {}
    for line in log:
        body = json.loads(line["body"]) if line["body"] else None
        if isinstance(body, dict):
            body.pop(TOKEN, None)
        first = {"method": line["method"], "path": line["path"], "query": line["query"], "body": body}
        chain = chains.setdefault(json.dumps(first, sort_keys=True), {**first, "pages": 0})
        chain["pages"] += 1
    return list(chains.values())


async def download(url: str, headers: Mapping[str, str], chains: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """Fetch all chains; return how many requests were made and how many bytes came."""
    ticket = asyncio.Semaphore(CONCURRENCY)
    limits = httpx.Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY)
    async with httpx.AsyncClient(
        base_url=url, headers=dict(headers), limits=limits, timeout=600.0, trust_env=False
    ) as client:
        done = await asyncio.gather(*(_chain(client, ticket, each) for each in chains))
    return sum(requests for requests, _ in done), sum(size for _, size in done)


async def _chain(client: httpx.AsyncClient, ticket: asyncio.Semaphore, chain: Mapping[str, Any]) -> tuple[int, int]:
    requests, size = 0, 0
    body: Any = dict(chain["body"]) if isinstance(chain["body"], dict) else chain["body"]
    for _ in range(chain["pages"]):
        content = orjson.dumps(body) if body is not None else None
        async with ticket:
            answer = await client.request(
                chain["method"],
                chain["path"],
                params=chain["query"],
                content=content,
                headers={"Content-Type": "application/json"},
            )
            parsed = orjson.loads(answer.raise_for_status().content)
        requests, size = requests + 1, size + len(answer.content)
        if not isinstance(parsed, dict) or not parsed.get(TOKEN):
            continue  # the same question was asked more than once, or this was the last page
        body[TOKEN] = parsed[TOKEN]
    return requests, size


def main() -> None:
    """Download and print."""
    told = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    began = time.perf_counter()
    requests, size = asyncio.run(download(told["url"], told["headers"], told["chains"]))
    seconds = time.perf_counter() - began
    sys.stdout.write(json.dumps({"requests": requests, "bytes": size, "seconds": seconds}))


if __name__ == "__main__":
    main()
