"""What load generators say in the end: (calls, seconds that they took, calls made besides)."""

import re


def wrk(output):
    match = re.search(r"(\d+) requests in ([\d.]+)s", output)
    assert match and "Non-2xx" not in output and "Socket errors" not in output, output
    return int(match[1]), float(match[2]), 0


def redis_benchmark(output):
    """All of its tests together. It begins with two questions about the server's settings."""
    counts = re.findall(r"(\d+) requests completed in", output)
    rates = re.findall(r"throughput summary: ([\d.]+) requests per second", output)
    assert counts and len(counts) == len(rates) and "rror" not in output, output
    return sum(map(int, counts)), sum(int(count) / float(rate) for count, rate in zip(counts, rates)), 2


def pgbench(output):
    """Of -S: each transaction is one statement. It begins with two about its tables."""
    done = re.search(r"number of transactions actually processed: (\d+)(?:/(\d+))?$", output, re.MULTILINE)
    rate = re.search(r"^tps = ([\d.]+) \(without initial connection time\)$", output, re.MULTILINE)
    assert done and rate and done[2] in (None, done[1]) and "failed transactions: 0 " in output, output
    return int(done[1]), int(done[1]) / float(rate[1]), 2
