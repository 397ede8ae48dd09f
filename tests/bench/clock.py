"""Figures of instruction_clock.sh: clock.py RESULTS FOLDER."""

import json
import re
import sys
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from harness.agent import Summary  # noqa: E402
from report import show, spread  # noqa: E402

ENDS = {"server": 1, "both": 2}


def one_load(folder, name):
    def text(what):
        return (folder / f"{name}.{what}").read_text(encoding="utf-8")

    def took(what):
        return int(text(f"{what}.after")) - int(text(f"{what}.before"))

    output = text("wrk")
    match = re.search(r"(\d+) requests in ([\d.]+)s", output)
    assert match and "Non-2xx" not in output and "Socket errors" not in output, output
    requests = int(match[1])
    found = {"requests": requests, "rate": requests / float(match[2]), "server_us": took("server") / 1000 / requests}
    mode = name.split(".")[1]
    if mode in ENDS:
        spans = requests * ENDS[mode]
        summary = Summary.parse(text("clew"))
        found |= {"agent_us_per_span": took("agent") / 1000 / spans, "exported": summary.exported,
                  "lost": summary.lost, "rss_peak_mb": int(text("memory").split()[1]) / 1000}
        assert summary.exported >= spans, f"{name}: {summary.exported} spans of {spans}"
    return found


def main(results, out):
    folder = Path(results)
    rounds = max(int(file.name.split(".")[0]) for file in folder.glob("*.off.wrk"))
    loads = {mode: [one_load(folder, f"{number}.{mode}") for number in range(1, rounds + 1)]
             for mode in ("off", *ENDS)}
    untraced = median(one["rate"] for one in loads["off"])
    kernel = (folder / "kernel.txt").read_text(encoding="ascii").strip()
    found = {"kernel": kernel, "loads": loads}
    lines = ["# clew under the instruction clock", "",
             f"Linux {kernel}, one virtual CPU for nginx, wrk (16 connections) and clew, 4 ns an instruction; {rounds} "
             "rounds; median (least to greatest).", "",
             "| followed | requests a virtual second | of untraced | nginx CPU a request, us | agent CPU a span, us | "
             "spans / loss | agent's greatest resident memory, MB |", "|---|---|---|---|---|---|---|"]
    for mode, runs in loads.items():
        found[mode] = {"throughput_ratio": spread([one["rate"] / untraced for one in runs])}
        row = [{"off": "nothing", "server": "nginx", "both": "nginx and wrk"}[mode],
               show(spread([one["rate"] for one in runs]), 0), show(found[mode]["throughput_ratio"], 3),
               show(spread([one["server_us"] for one in runs]), 2)]
        if mode in ENDS:
            row += [show(spread([one["agent_us_per_span"] for one in runs]), 2),
                    f"{sum(one['exported'] for one in runs)} / {sum(one['lost'] for one in runs)}",
                    f"{max(one['rss_peak_mb'] for one in runs):.1f}"]
        else:
            row += ["", "", ""]
        lines.append(f"| {' | '.join(row)} |")
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    text = "\n".join(lines) + "\n"
    (out / "clock.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (out / "clock.md").write_text(text, encoding="utf-8")
    print(text, end="")


main(*sys.argv[1:])
