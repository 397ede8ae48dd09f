"""What is read of processes and of the kernel: CPU time, memory, BPF programs and maps."""

import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

STATISTICS = Path("/proc/sys/kernel/bpf_stats_enabled")


def _run(*argv):
    """Runs a tool; returns what it prints as JSON, if anything."""
    done = subprocess.run([str(part) for part in argv], stdout=subprocess.PIPE, check=True, timeout=60)
    return json.loads(done.stdout) if done.stdout.strip() else None


def cpu_ns(pids):
    """Time on a CPU of all living threads of these processes."""
    total = 0
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            total += int(Path(f"/proc/{pid}/task/{task}/schedstat").read_text(encoding="ascii").split()[0])
    return total


def reaped_ns(pid):
    """Time on a CPU of the children that `pid` has waited for, to 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return (int(fields[13]) + int(fields[14])) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def _kib_fields(path):
    fields = {}
    for line in Path(path).read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(":")
        if rest.endswith(" kB"):
            fields[name] = int(rest.split()[0])
    return fields


def memory_kib(pid):
    """Resident memory of a process by kind. The ring buffer's pages are in `file`."""
    status = _kib_fields(f"/proc/{pid}/status")
    rollup = _kib_fields(f"/proc/{pid}/smaps_rollup")
    return {"rss": status["VmRSS"], "rss_peak": status["VmHWM"], "pss": rollup["Pss"],
            "pss_anonymous": rollup["Pss_Anon"], "pss_file": rollup["Pss_File"]}


def _descriptors(pid, key):
    """The fdinfo of each descriptor of `pid` that has `key`, as dictionaries, one for each value of `key`."""
    found = {}
    for file in Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            lines = file.read_text(encoding="ascii").splitlines()
        except OSError:
            continue
        entry = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if key in entry:
            found[int(entry[key])] = entry
    return found


# A socket's storage: struct bpf_local_storage, and struct bpf_local_storage_elem with the value behind it.
_STORAGE, _ELEMENT = 192, 72


def map_bytes(pid, sockets):
    """Memory of the maps of `pid`: as the kernel accounts for it, and for the state of `sockets` sockets, which
    the kernel does not count as the map's (reckoned from its structures)."""
    maps = _descriptors(pid, "map_id")
    accounted = sum(int(entry["memlock"]) for entry in maps.values())
    storage = [int(entry["value_size"]) for entry in maps.values() if int(entry["map_type"]) == 24]
    per_socket = sum(_STORAGE + (_ELEMENT + size + 63) // 64 * 64 for size in storage)
    return {"maps": accounted, "sockets": sockets * per_socket}


def program_runs(pid):
    """{program id: (name, runs, nanoseconds)} of the programs that `pid` holds."""
    names = {program["id"]: program.get("name", "?") for program in _run("bpftool", "-j", "prog", "show")}
    return {number: (names.get(number, "?"), int(entry.get("run_cnt", 0)), int(entry.get("run_time_ns", 0)))
            for number, entry in _descriptors(pid, "prog_id").items()}


@contextmanager
def statistics_of_programs():
    """The kernel counts runs and times of BPF programs meanwhile, which costs time itself."""
    before = STATISTICS.read_text(encoding="ascii")
    STATISTICS.write_text("1", encoding="ascii")
    try:
        yield
    finally:
        STATISTICS.write_text(before, encoding="ascii")


@contextmanager
def empty_program(source, folder):
    """An attached program that does nothing. Yields a function that gives its (runs, nanoseconds)."""
    folder = Path(folder)
    compiled, mount = folder / "empty.bpf.o", folder / "bpffs"
    mount.mkdir()
    _run("clang-19", "-target", "bpf", "-I/usr/include/x86_64-linux-gnu", "-g", "-O2", "-c", source, "-o", compiled)
    _run("mount", "-t", "bpf", "bpf", mount)
    try:
        _run("bpftool", "prog", "loadall", compiled, mount / "empty", "autoattach")
        pin = str(mount / "empty" / "empty_receive")
        link = next(one for one in _run("bpftool", "-j", "-f", "link", "show") if pin in one.get("pinned", []))

        def runs():
            program = _run("bpftool", "-j", "prog", "show", "id", link["prog_id"])
            return program.get("run_cnt", 0), program.get("run_time_ns", 0)

        yield runs
    finally:
        _run("umount", mount)  # the pinned link goes with it, and with the link the program
