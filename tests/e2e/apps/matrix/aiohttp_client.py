#!/usr/bin/env python3
"""aiohttp's client, one pool for 8 tasks: the matrix's exchanges, its account on stdout."""

import asyncio
import sys

import aiohttp


async def exchange(session, method, path, query="", **options):
    async with session.request(method, sys.argv[1] + path + query, **options) as response:
        await response.read()
        print(method, path, response.status)


async def chunks():
    for _ in range(10):
        yield b"u" * 100_000


async def task(session, number):
    for count in range(25):
        await exchange(session, "GET", f"/item/c{number}-{count}")


async def main():
    async with aiohttp.ClientSession() as session:
        for item in range(10):
            await exchange(session, "GET", f"/item/k{item}")
        await exchange(session, "HEAD", "/item/head")
        for code in (204, 304, 404, 500):
            await exchange(session, "GET", f"/item/s{code}", f"?status={code}")
        for place in ("/bytes/0", "/bytes/1000000", "/stream/5"):
            await exchange(session, "GET", place)
        await exchange(session, "POST", "/upload/length", data=b"u" * 1_000_000)
        await exchange(session, "POST", "/upload/chunked", data=chunks())
        await asyncio.gather(*(task(session, number) for number in range(8)))


asyncio.run(main())
