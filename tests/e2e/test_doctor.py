"""clew doctor: tried for real, told apart by privilege, the same for people and programs."""

import json
import shutil

import pytest

from harness.agent import BINARY

STATES = {"yes", "no", "refused", "unknown"}
GROUPS = ("surroundings", "capabilities", "features", "helpers", "later")


def as_nobody(lab, capabilities, *arguments):
    """clew doctor as an ordinary user who has some capabilities."""
    binary = lab.directory / "clew"  # the build folder may be closed to others
    shutil.copy(BINARY, binary)
    binary.chmod(0o755)
    caps = ",".join(f"+{name}" for name in capabilities)
    given = ["--inh-caps", caps, "--ambient-caps", caps] if caps else []
    return lab.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", *given,
                    binary, "doctor", *arguments], timeout=30)


def test_every_row_has_an_answer(lab):
    child = lab.clew("doctor", "--json")
    assert child.process.returncode == 0, child.describe()
    report = json.loads(child.stdout.text)
    assert report["can_run"] is True and report["missing"] == []
    assert report["capture_backend"] in ("socket_tracepoints", "fexit")
    for group in GROUPS:
        assert report[group], group
        for name, row in report[group].items():
            assert set(row) == {"state", "detail", "required", "costs"}, name
            assert row["state"] in STATES, name
            if row["required"]:
                assert row["state"] == "yes", f"{name}: {row}"
    assert not [name for name, row in report["helpers"].items() if row["state"] != "yes"]


def test_the_table_says_the_same(lab):
    report = json.loads(lab.clew("doctor", "--json").stdout.text)
    table = lab.clew("doctor").stdout.text
    lines = table.splitlines()
    assert lines[-1] == "clew can run here."
    assert all(len(line) <= 100 for line in lines), max(lines, key=len)
    for group in ("capabilities", "helpers"):
        for name, row in report[group].items():
            assert [name, row["state"]] in [line.split()[:2] for line in lines], name


def test_refused_is_told_apart_from_not_there(lab):
    child = as_nobody(lab, [], "--json")
    assert child.process.returncode == 3, child.describe()
    report = json.loads(child.stdout.text)
    assert not report["can_run"] and len(report["missing"]) == 1
    assert "CAP_BPF" in report["missing"][0]
    assert {row["state"] for row in report["helpers"].values()} <= {"refused", "unknown"}
    assert {row["state"] for row in report["capabilities"].values()} == {"no"}
    assert as_nobody(lab, []).stdout.text.splitlines()[-1] == "clew cannot run here."


@pytest.mark.parametrize("without", [None, "bpf", "perfmon"])
def test_the_capabilities_that_it_names_are_enough(lab, without):
    child = as_nobody(lab, [name for name in ("bpf", "perfmon", "sys_ptrace") if name != without], "--json")
    report = json.loads(child.stdout.text)
    assert child.process.returncode == (3 if without else 0), report["missing"]
    assert report["can_run"] is (without is None)
    assert report["capabilities"]["CAP_SYS_ADMIN"]["costs"].startswith("nothing")
