"""Measures what clew costs a server, and what it needs itself. run.sh says how; README.md what it means."""

import argparse
import json
import os
import platform
import signal
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from harness.agent import BINARY  # noqa: E402
from harness.lab import Lab  # noqa: E402

import samples  # noqa: E402
from report import compare, markdown, spread  # noqa: E402
from scenarios import SCENARIOS, KeptConnections, NginxServer  # noqa: E402

EXPORT = "file:/dev/null"  # spans are encoded (as JSON, the dearer way) and thrown away
CONNECTIONS = (16, 1000, 10000)
RATE = 500  # requests a second over all kept connections
SETTLE_S = 0.5  # spans are held for up to 250 ms before they are exported


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def start_agent(lab, port):
    return lab.agent("--port", port, "--export", EXPORT, export_file=False)


def one_load(lab, scenario, seconds, traced, watch=None):
    """A fresh server, under load for some seconds. `watch(agent)` is called before and after the load."""
    server = SCENARIOS[scenario](lab)
    agent = start_agent(lab, server.port) if traced else None
    server.load(lab, 1)  # warm
    time.sleep(SETTLE_S)
    watched = [watch(agent)] if watch else []
    server_before, agent_before = server.cpu_ns(), samples.cpu_ns([agent.pid]) if agent else 0
    answered, took = server.load(lab, seconds)
    server_ns = server.cpu_ns() - server_before
    found = {"answered": answered, "rate": answered / took, "server_us": server_ns / 1000 / answered}
    if agent:
        if watch:
            watched.append(watch(agent))
        time.sleep(SETTLE_S)
        agent_ns = samples.cpu_ns([agent.pid]) - agent_before
        found["agent_us_per_span"] = agent_ns / 1000 / answered
        found["agent_rss_peak_mb"] = samples.memory_kib(agent.pid)["rss_peak"] / 1000
    requests = server.stop()
    if agent:
        summary = agent.end()
        found |= {"requests": requests, "spans": summary.exported, "lost": summary.lost, "causes": summary.causes,
                  "watched": watched}
    return found


def alternate(scenario, rounds, seconds):
    """Pairs of loads, without and with clew; each pair in the other order than the one before."""
    pairs = []
    for number in range(rounds):
        pair = {}
        for which in ("off", "on") if number % 2 == 0 else ("on", "off"):
            lab = Lab()
            try:
                pair[which] = one_load(lab, scenario, seconds, which == "on")
            finally:
                lab.close()
        pairs.append(pair)
        say(f"{scenario} {number + 1}/{rounds}: server {pair['off']['server_us']:.1f} > {pair['on']['server_us']:.1f} "
            f"us a request, {pair['off']['rate']:.0f} > {pair['on']['rate']:.0f} requests/s")
    return pairs


def kernel_programs(scenario, rounds, seconds):
    """What each program takes a run, by the kernel's statistics, less what they say of an empty program."""
    costs = {}
    for _ in range(rounds):
        lab = Lab()
        try:
            with samples.statistics_of_programs(), \
                    samples.empty_program(HERE / "empty.bpf.c", lab.folder("empty")) as empty:
                found = one_load(lab, scenario, seconds, True,
                                 lambda agent, empty=empty: (samples.program_runs(agent.pid), empty()))
        finally:
            lab.close()
        (before, empty_before), (after, empty_after) = found["watched"]
        empty_runs = empty_after[0] - empty_before[0]
        empty_ns = (empty_after[1] - empty_before[1]) / max(empty_runs, 1)
        for number, (name, runs, nanoseconds) in after.items():
            made = runs - before.get(number, (name, 0, 0))[1]
            spent = nanoseconds - before.get(number, (name, 0, 0))[2]
            if made * 20 < found["answered"]:
                continue  # not a part of each request
            cost = costs.setdefault(name, {"ns": [], "empty_ns": [], "runs": []})
            cost["ns"].append(spent / made - empty_ns)
            cost["empty_ns"].append(empty_ns)
            cost["runs"].append(made / found["answered"])
    return {name: {"ns": spread(cost["ns"]), "empty_ns": spread(cost["empty_ns"]),
                   "runs_per_request": spread(cost["runs"])["median"]} for name, cost in costs.items()}


def memory(counts, seconds):
    rows = []
    for count in counts:
        lab = Lab()
        try:
            server = NginxServer(lab)
            agent = start_agent(lab, server.port)
            client = KeptConnections(lab, server.port, count, RATE)
            time.sleep(seconds)
            row = {"connections": count, "memory": samples.memory_kib(agent.pid),
                   "maps": samples.map_bytes(agent.pid, count)}
            row["requests"] = client.stop()
            assert server.stop() == row["requests"], "the server counted other requests than the client"
            summary = agent.end()
            row |= {"spans": summary.exported, "lost": summary.lost}
            assert row["spans"] == row["requests"], row
        finally:
            lab.close()
        rows.append(row)
        say(f"{count} connections: {row['memory']['rss'] / 1000:.1f} MB resident, "
            f"{row['maps']['maps'] / 2**20:.1f} MiB of maps")
    return rows


def parse_arguments():
    parser = argparse.ArgumentParser(prog="tests/bench/run.sh")
    parser.add_argument("--scenario", action="append", choices=[*SCENARIOS, "memory"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--out", type=Path, default=HERE.parents[1] / "build" / "bench")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds = min(arguments.rounds, 2), min(arguments.seconds, 1)
    return arguments


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # an ended run still cleans up
    arguments = parse_arguments()
    assert os.access(BINARY, os.X_OK), f"{BINARY} is missing: build the release preset first"
    chosen = arguments.scenario or [*SCENARIOS, "memory"]
    results = {"host": {"kernel": platform.release(), "cpus": os.cpu_count()}, "rounds": arguments.rounds,
               "seconds": arguments.seconds, "scenarios": {}, "memory": []}
    for name in SCENARIOS:
        if name not in chosen:
            continue
        pairs = alternate(name, arguments.rounds, arguments.seconds)
        programs = kernel_programs(name, min(arguments.rounds, 3), arguments.seconds)
        results["scenarios"][name] = {"what": SCENARIOS[name].what, **compare(pairs), "programs": programs,
                                      "pairs": pairs}
    if "memory" in chosen:
        results["memory"] = memory(CONNECTIONS[:2] if arguments.quick else CONNECTIONS, arguments.seconds)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    text = markdown(results)
    (arguments.out / "results.md").write_text(text + "\n", encoding="utf-8")
    print(text)


main()
