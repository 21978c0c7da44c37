"""Asks an application without a network."""

import asyncio

import httpx


class Client:
    """Asks an application without a network."""

    def __init__(self, app):
        self.app = app

    def get(self, path):
        return asyncio.run(self.ask("GET", path))

    def post(self, path, **options):
        return asyncio.run(self.ask("POST", path, **options))

    async def ask(self, method, path, **options):
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await client.request(method, path, **options)


def several(*pictures):
    return [("files", (f"{index}.png", data, "image/png")) for index, data in enumerate(pictures)]
