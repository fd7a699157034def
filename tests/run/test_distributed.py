import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(sys.platform == "win32", reason="torchrun has no gloo rendezvous there")
def test_two_processes_average_gradients_and_resume_as_one(tmp_path):
    script = Path(__file__).with_name("training.py")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", script, tmp_path]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HOTPAPERS_PROGRESS": "plain"}
    done = subprocess.run([*map(str, command)], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    facts = [json.loads((tmp_path / f"rank-{rank}.json").read_text()) for rank in (0, 1)]
    assert [each["rank"] for each in facts] == [0, 1]
    assert all(each["processes"] == 2 for each in facts)
    assert all(each["averaged"] == -0.5 for each in facts)  # the mean of the ranks' gradients 0 and 1
    assert all(each["same"] for each in facts)  # broken and resumed equals unbroken, on both ranks
    assert all(each["first"][0] == "fine" and 0 < each["first"][1] <= 15 for each in facts)
    assert facts[0]["first"] == facts[1]["first"]
    assert facts[0]["weights"] == facts[1]["weights"]
    assert facts[0]["noise"] == facts[1]["noise"]  # after the steps all draw the same again
    # only the first process writes: each step is in the log once
    rows = [json.loads(line) for line in (tmp_path / "broken" / "metrics.jsonl").read_text().splitlines()]
    steps = [(row["stage"], row["step"]) for row in rows]
    assert len(steps) == len(set(steps)) == 42
    assert sum("coarse: " in line for line in done.stderr.splitlines()) == 2  # and shows progress: whole, broken
