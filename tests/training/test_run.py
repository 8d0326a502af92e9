"""A run is killed and goes on as if nothing had happened; its folder is its own; several processes equal one."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from lineament.errors import JobError, UsageError
from lineament.training.checkpoint import read_state
from lineament.training.run import Run, step_seed
from tests.training.toy import Config, train


def weights(folder):
    return read_state(folder / "checkpoint.safetensors")["tracked"]


def equal(a, b):
    return all(torch.equal(a[k], b[k]) if isinstance(a[k], torch.Tensor) else a[k] == b[k] for k in a)


def lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_run_killed_with_sigkill_goes_on_to_equal_weights(tmp_path):
    command = [sys.executable, "-m", "tests.training.toy", str(tmp_path / "killed"), "0.02"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    checkpoint, deadline = tmp_path / "killed" / "checkpoint.safetensors", time.monotonic() + 120
    while time.monotonic() < deadline and not (checkpoint.exists() and read_state(checkpoint)["step"] >= 23):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    stopped_at = read_state(checkpoint)["step"]
    assert 23 <= stopped_at < 60, "the run ended before it was killed"

    train(tmp_path / "killed", precision="float32")
    train(tmp_path / "whole", precision="float32")
    killed, whole = weights(tmp_path / "killed"), weights(tmp_path / "whole")
    assert equal(killed["network"], whole["network"])
    assert equal(killed["average"], whole["average"])
    assert equal(*(read_state(tmp_path / name / "best.safetensors") for name in ("killed", "whole")))
    evaluations = [[line for line in lines(tmp_path / name) if "development" in line] for name in ("killed", "whole")]
    assert evaluations[0] == evaluations[1]  # none lost, none twice


def test_a_finished_run_does_nothing_more(tmp_path):
    train(tmp_path / "run", steps=10)
    before = weights(tmp_path / "run")
    run = train(tmp_path / "run", steps=10)
    assert run.step == 10
    assert equal(before["network"], weights(tmp_path / "run")["network"])


def test_seeds_differ_and_repeat(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(tmp_path / name, steps=5, seed=seed)
    a, b, c = (weights(tmp_path / name)["network"] for name in "abc")
    assert equal(a, b)
    assert not equal(a, c)  # dropout draws from the step's seed


def test_another_config_in_the_same_folder_is_refused(tmp_path):
    train(tmp_path / "run", steps=2)
    with pytest.raises(UsageError, match=r"holds another run \(config .*8.* is now .*9"):
        train(tmp_path / "run", steps=2, config=Config(hidden=9))
    with pytest.raises(UsageError, match="seed 0 is now 7"):
        train(tmp_path / "run", steps=2, seed=7)


def test_other_data_in_the_same_folder_is_refused(tmp_path):
    Run(tmp_path, Config(), data={"name": "a", "images": 3}, device="cpu")
    Run(tmp_path, Config(), data={"name": "a", "images": 3}, device="cpu")
    with pytest.raises(UsageError, match="'images': 3.* is now .*'images': 4"):
        Run(tmp_path, Config(), data={"name": "a", "images": 4}, device="cpu")


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "inside"):
        with pytest.raises(JobError, match=r"file"):
            Run(place, Config(), device="cpu")


def test_a_torn_run_file_is_named(tmp_path):
    train(tmp_path / "run", steps=2)
    (tmp_path / "run" / "run.json").write_text('{"config": ')
    with pytest.raises(JobError, match=r"run\.json: torn"):
        train(tmp_path / "run", steps=2)


def test_the_best_state_is_kept_and_patience_ends_the_run(tmp_path):
    run = Run(tmp_path, Config(), device="cpu")
    scores = [0.1, 0.5, 0.4, 0.3, 0.9]
    for step in run.steps(5):
        run.keep_best(scores[step], {"score": torch.tensor(scores[step])}, patience=2)
    assert run.step == 4  # 0.4 and 0.3 were no better than 0.5
    assert run.best == 0.5
    assert run.best_state()["score"] == torch.tensor(0.5)
    again = Run(tmp_path, Config(), device="cpu")
    again.track()
    assert list(again.steps(5)) == []  # stopped early is finished


def test_means_are_logged_and_a_torn_line_is_dropped(tmp_path):
    run = Run(tmp_path, Config(), device="cpu")
    for step in run.steps(100):
        run.log(loss=torch.tensor(float(step)))
    assert [line["loss"] for line in lines(tmp_path)] == [24.5, 74.5]
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 100, "lo')
    again = Run(tmp_path, Config(), device="cpu")
    again.track()
    list(again.steps(100))
    assert len(lines(tmp_path)) == 2


def test_a_gpu_that_is_not_there_is_refused(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(UsageError, match="sees no GPU"):
        Run(tmp_path, Config(), device="cuda")


def test_two_processes_train_the_weights_of_one(tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m"]
    done = subprocess.run(
        [*command, "tests.training.toy", str(tmp_path / "two"), "0", "0.0"],
        env=environment, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-5000:]
    train(tmp_path / "one", config=Config(dropout=0.0), precision="float32")
    one, two = (weights(tmp_path / name)["network"] for name in ("one", "two"))
    for name, value in one.items():
        assert torch.allclose(value, two[name], atol=1e-5), name
    assert len([line for line in lines(tmp_path / "two") if "development" in line]) == 3  # one process writes


def test_step_seeds_do_not_collide():
    seeds = {step_seed(a, b, c) for a in range(5) for b in range(3) for c in range(200)}
    assert len(seeds) == 3000
    assert all(0 <= seed < 2**63 for seed in seeds)
