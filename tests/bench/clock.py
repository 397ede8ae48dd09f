"""Figures of instruction_clock.sh: clock.py RESULTS FOLDER."""

import json
import re
import sys
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from harness.agent import Summary  # noqa: E402
from outputs import pgbench, redis_benchmark, wrk  # noqa: E402
from report import show, spread  # noqa: E402

ENDS = {"server": 1, "both": 2}
# name: (the server, its client, what it is asked, how the client's output is read, the aim for both ends)
LOADS = {
    "nginx": ("nginx", "wrk", "`return 200`", wrk, 0.93),
    "redis_p1": ("redis-server", "redis-benchmark", "SET, then GET", redis_benchmark, 0.85),
    "redis_p16": ("redis-server", "redis-benchmark", "SET, then GET, 16 at a time", redis_benchmark, 0.92),
    "pgbench_simple": ("postgres", "pgbench", "-S -M simple", pgbench, 0.92),
    "pgbench_prepared": ("postgres", "pgbench", "-S -M prepared", pgbench, 0.92),
}


def one_run(folder, load, name):
    def text(what):
        return (folder / f"{name}.{what}").read_text(encoding="utf-8")

    def grew(what):
        return int(text(f"{what}.after")) - int(text(f"{what}.before"))

    read = LOADS[load][3]
    calls, took, _ = read(text("load"))
    found = {"calls": calls, "rate": calls / took, "server_us": grew("server") / 1000 / calls}
    mode = name.rpartition(".")[2]
    if mode in ENDS:
        # The server's own count, its last question aside; pgbench's, where the server has none.
        served = grew("served") - 1
        if read is pgbench:
            served = sum(sum(pgbench(text(what))[::2]) for what in ("warm", "load"))
        summary = Summary.parse(text("clew"))
        found |= {"agent_us_per_span": grew("agent") / 1000 / (calls * ENDS[mode]), "happened": served * ENDS[mode],
                  "exported": summary.exported, "lost": summary.lost, "causes": summary.causes,
                  "rss_peak_mb": int(text("memory").split()[1]) / 1000}
    return found


def table(load, modes):
    server, client, what, _, aim = LOADS[load]
    untraced = median(one["rate"] for one in modes["off"])
    lines = [f"## {load}: {client} ({what})", "",
             f"| followed | calls a virtual second | of untraced (aim {aim}) | CPU of {server} a call, us | "
             "agent CPU a span, us | spans / calls at followed ends | lost | agent's greatest resident memory, MB |",
             "|---|---|---|---|---|---|---|---|"]
    for mode, runs in modes.items():
        row = [{"off": "nothing", "server": server, "both": f"{server} and {client}"}[mode],
               show(spread([one["rate"] for one in runs]), 0),
               show(spread([one["rate"] / untraced for one in runs]), 3),
               show(spread([one["server_us"] for one in runs]), 2)]
        if mode in ENDS:
            exported, happened = (sum(one[key] for one in runs) for key in ("exported", "happened"))
            row += [show(spread([one["agent_us_per_span"] for one in runs]), 2),
                    f"{exported} / {happened} = {exported / happened:.6f}", str(sum(one["lost"] for one in runs)),
                    f"{max(one['rss_peak_mb'] for one in runs):.1f}"]
        else:
            row += [""] * 4
        lines.append(f"| {' | '.join(row)} |")
    return lines + [""]


def main(results, out):
    folder = Path(results)
    kernel = (folder / "kernel.txt").read_text(encoding="ascii").strip()
    loads = {}
    for load in LOADS:
        if rounds := len(list(folder.glob(f"{load}.*.off.load"))):
            loads[load] = {mode: [one_run(folder, load, f"{load}.{number}.{mode}") for number in range(1, rounds + 1)]
                           for mode in ("off", *ENDS)}
    lines = ["# clew under the instruction clock", "",
             f"Linux {kernel}, one virtual CPU for server, client (16 connections) and clew, 4 ns an instruction; "
             f"{rounds_of(loads)} rounds; median (least to greatest).", ""]
    for load, modes in loads.items():
        lines += table(load, modes)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    text = "\n".join(lines)
    (out / "clock.json").write_text(json.dumps({"kernel": kernel, "loads": loads}, indent=1) + "\n", encoding="utf-8")
    (out / "clock.md").write_text(text, encoding="utf-8")
    print(text, end="")


def rounds_of(loads):
    return len(next(iter(loads.values()))["off"])


main(*sys.argv[1:])
