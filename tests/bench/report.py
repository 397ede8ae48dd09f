"""From samples to figures, and from figures to Markdown."""

from collections import Counter
from statistics import median


def spread(values):
    """Median, least and greatest."""
    return {"median": median(values), "min": min(values), "max": max(values), "samples": len(values)}


def compare(rounds):
    """The figures of one scenario. `rounds`: pairs of an untraced and a traced load that ran one after the other;
    ratios are made within a pair, so that drift of the machine's speed falls out of them."""
    off, on = [pair["off"] for pair in rounds], [pair["on"] for pair in rounds]
    return {
        "server_us_per_request_off": spread([one["server_us"] for one in off]),
        "server_us_per_request_on": spread([one["server_us"] for one in on]),
        "server_cpu_ratio": spread([pair["on"]["server_us"] / pair["off"]["server_us"] for pair in rounds]),
        "requests_per_second_off": spread([one["rate"] for one in off]),
        "requests_per_second_on": spread([one["rate"] for one in on]),
        "throughput_ratio": spread([pair["on"]["rate"] / pair["off"]["rate"] for pair in rounds]),
        "agent_us_per_span": spread([one["agent_us_per_span"] for one in on]),
        "agent_rss_peak_mb": spread([one["agent_rss_peak_mb"] for one in on]),
        "requests": sum(one["requests"] for one in on),
        "spans": sum(one["spans"] for one in on),
        "lost": sum(one["lost"] for one in on),
        "causes": dict(sum((Counter(one["causes"]) for one in on), Counter())),
    }


def show(figure, digits):
    return f"{figure['median']:.{digits}f} ({figure['min']:.{digits}f} to {figure['max']:.{digits}f})"


_ROWS = (
    ("server CPU a request, without clew, us", "server_us_per_request_off", 2),
    ("server CPU a request, with clew, us", "server_us_per_request_on", 2),
    ("server CPU, with / without", "server_cpu_ratio", 3),
    ("requests a second, without clew", "requests_per_second_off", 0),
    ("requests a second, with clew", "requests_per_second_on", 0),
    ("throughput, with / without", "throughput_ratio", 3),
    ("agent CPU a span, us", "agent_us_per_span", 2),
    ("agent's greatest resident memory, MB", "agent_rss_peak_mb", 1),
)


def _causes(causes):
    return f" ({', '.join(f'{name} {count}' for name, count in causes.items())})" if causes else ""


def _scenario(name, found):
    lines = [f"## {name}: {found['what']}", "", "| figure | median (least to greatest) |", "|---|---|"]
    lines += [f"| {title} | {show(found[key], digits)} |" for title, key, digits in _ROWS]
    recall = found["spans"] / found["requests"] if found["requests"] else 0
    lines += [f"| recall: spans / requests served | {found['spans']} / {found['requests']} = {recall:.6f}, "
              f"{found['lost']} counted as lost{_causes(found['causes'])} |", ""]
    if programs := found.get("programs"):
        lines += ["| kernel program | runs a request | ns a run, less an empty program's | empty program, ns |",
                  "|---|---|---|---|"]
        lines += [f"| {program} | {cost['runs_per_request']:.2f} | {show(cost['ns'], 0)} | "
                  f"{show(cost['empty_ns'], 0)} |" for program, cost in programs.items()]
        lines += [""]
    return lines


def _memory(rows):
    lines = ["## Memory", "",
             "| connections | requests made | resident, MB | of it anonymous | of it files and ring buffer | "
             "maps in the kernel, MiB | state of sockets (reckoned), MiB |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        memory, maps = row["memory"], row["maps"]
        lines.append(f"| {row['connections']} | {row['requests']} | {memory['rss'] / 1000:.1f} | "
                     f"{memory['pss_anonymous'] / 1000:.1f} | {memory['pss_file'] / 1000:.1f} | "
                     f"{maps['maps'] / 2**20:.1f} | {maps['sockets'] / 2**20:.2f} |")
    return lines + [""]


def markdown(results):
    host = results["host"]
    lines = ["# clew: what it costs", "",
             f"Linux {host['kernel']}, {host['cpus']} CPUs, {results['rounds']} rounds of {results['seconds']} s "
             "without and with clew alternated; load, server and agent share the machine.", ""]
    for name, found in results["scenarios"].items():
        lines += _scenario(name, found)
    if results["memory"]:
        lines += _memory(results["memory"])
    return "\n".join(lines)
