#!/usr/bin/env python3
"""requests, a session in each of 8 threads: the matrix's exchanges, its account on stdout."""

import sys
from concurrent.futures import ThreadPoolExecutor

import requests

BASE = sys.argv[1]


def exchange(session, method, path, query="", **options):
    response = session.request(method, BASE + path + query, **options)
    print(f"{method} {path} {response.status_code}\n", end="", flush=True)


def connection(number):
    with requests.Session() as session:
        for count in range(25):
            exchange(session, "GET", f"/item/c{number}-{count}")


with requests.Session() as first:
    for item in range(10):
        exchange(first, "GET", f"/item/k{item}")
    exchange(first, "HEAD", "/item/head")
    for code in (204, 304, 404, 500):
        exchange(first, "GET", f"/item/s{code}", f"?status={code}")
    for place in ("/bytes/0", "/bytes/1000000", "/stream/5"):
        exchange(first, "GET", place)
    exchange(first, "POST", "/upload/length", data=b"u" * 1_000_000)
    exchange(first, "POST", "/upload/chunked", data=iter([b"u" * 100_000] * 10))
with ThreadPoolExecutor(8) as pool:
    list(pool.map(connection, range(8)))
