"""Asks an application without a network."""

import asyncio
from contextlib import contextmanager

import httpx

from stages.runtime.server import create_app


@contextmanager
def served(folder, threads=1, limits=None):
    """A client of the package in `folder`, whose worker processes end with the block."""
    client = Client(create_app(folder, threads, limits))
    try:
        yield client
    finally:
        client.pool.close()


class Client:
    """Asks an application without a network."""

    def __init__(self, app):
        self.app = app
        self.pool = app.state.pool

    def get(self, path):
        return asyncio.run(self.request("GET", path))

    def post(self, path, **options):
        return asyncio.run(self.request("POST", path, **options))

    async def request(self, method, path, **options):
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.request(method, path, **options)


def several(*pictures):
    return [("files", (f"{index}.png", data, "image/png")) for index, data in enumerate(pictures)]
