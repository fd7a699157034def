import json
import os
import random
import signal
import threading
import time

import numpy as np
import pytest
import torch
from PIL import Image

from hotpapers.errors import BadInput, Interrupted
from hotpapers.run import Run, generator_on


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def loop(out, steps=3, **settings):
    with Run(out, device="cpu", **settings) as run:
        for step in run.steps(steps):
            run.log(loss=step)
    return run


def test_the_record_beside_the_results_says_what_was_run_with_what(tmp_path):
    loop(tmp_path, seed=7, config={"rate": 0.1, "sizes": (1, 2)})
    record = json.loads((tmp_path / "config.json").read_text())
    assert record["config"] == {"rate": 0.1, "sizes": [1, 2]}
    assert (record["seed"], record["device"]) == (7, "cpu")
    assert record["versions"]["torch"] == torch.__version__
    assert record["finished"] >= record["started"]


def test_a_model_saved_into_the_same_folder_keeps_its_config_and_the_run_its_record(tmp_path):
    with Run(tmp_path, device="cpu", config={"rate": 1}) as run:
        (tmp_path / "config.json").write_text('{"channels": 3}')  # as save_pretrained does
        list(run.steps(1))
    assert json.loads((tmp_path / "config.json").read_text()) == {"channels": 3}
    assert json.loads((tmp_path / "run.json").read_text())["config"] == {"rate": 1}
    with pytest.raises(BadInput, match="rate = 1, now it is 2"):
        loop(tmp_path, resume=True, config={"rate": 2})
    loop(tmp_path, fresh=True, config={"rate": 2})
    assert json.loads((tmp_path / "config.json").read_text()) == {"channels": 3}


def test_the_seed_decides_every_generator(tmp_path):
    drawn = []
    for seed in (1, 1, 2):
        with Run(tmp_path, seed=seed, device="cpu"):
            drawn.append((random.random(), float(np.random.rand()), float(torch.rand(()))))
    assert drawn[0] == drawn[1]
    assert all(a != b for a, b in zip(drawn[1], drawn[2], strict=True))


@pytest.mark.parametrize("seeds", [{"seed": -1}, {"seed": 2**64}, {"seeds": (0, -1)}])
def test_seeds_that_no_generator_takes_are_refused_before_anything_is_written(tmp_path, seeds):
    with pytest.raises(BadInput, match="--seed can be 0 to"):
        Run(tmp_path / "run", **seeds, device="cpu")
    assert not (tmp_path / "run").exists()
    with pytest.raises(BadInput, match="--seed can be 0 to"):
        generator_on("cpu", -1)


def test_a_run_for_a_claim_is_a_directory_and_seeds_and_leaves_nothing_behind(tmp_path):
    with Run(tmp_path / "a" / "b", seeds=(4, 1, 2), device="cpu") as run:
        assert run.seeds == (4, 1, 2)
        assert run.seed == 4
        assert run.device == torch.device("cpu")
        assert run.rank == 0
        assert list(run.out.iterdir()) == []
    assert names(tmp_path) == []
    with Run(tmp_path / "c", seeds=(0,), device="cpu") as run:
        (run.out / "table.csv").touch()
    assert names(tmp_path / "c") == ["table.csv"]


def test_children_train_in_folders_of_their_own_with_seeds_of_their_own(tmp_path):
    with Run(tmp_path, seeds=(0, 1), device="cpu", tensorboard=False) as run:
        drawn = []
        for seed in run.seeds:
            with run.child(f"seed-{seed}", seed=seed, config={"rate": seed}) as child:
                drawn.append(float(torch.rand(())))
                assert child.fabric is run.fabric
                for _ in child.steps(2):
                    child.log(loss=1.0)
    assert drawn[0] != drawn[1]
    assert names(tmp_path) == ["seed-0", "seed-1"]
    assert names(tmp_path / "seed-1") == ["checkpoints", "config.json", "metrics.jsonl"]
    with (
        Run(tmp_path, seeds=(0, 1), device="cpu", resume=True) as run,
        run.child("seed-0", config={"rate": 0}) as child,
    ):
        assert list(child.steps(2)) == []
    with Run(tmp_path, device="cpu") as run, pytest.raises(BadInput, match="a/b"):
        run.child("a/b")


def test_a_directory_that_has_a_run_is_refused_with_the_ways_out(tmp_path):
    loop(tmp_path)
    with pytest.raises(BadInput, match=r"holds a finished run already: resume it, start over with fresh, .*--out"):
        loop(tmp_path)
    with pytest.raises(BadInput, match="not both"):
        Run(tmp_path, resume=True, fresh=True)


def test_fresh_replaces_the_run_and_nothing_else(tmp_path):
    loop(tmp_path, steps=5, config={"rate": 1})
    (tmp_path / "mine.txt").touch()
    loop(tmp_path, steps=2, config={"rate": 2}, fresh=True, tensorboard=False)
    assert names(tmp_path) == ["checkpoints", "config.json", "metrics.jsonl", "mine.txt"]
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 2


def test_a_directory_that_cannot_be_made_is_bad_input(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=r"Cannot make .*file.*--out"), Run(tmp_path / "file" / "run", device="cpu"):
        pass


def test_a_directory_that_cannot_be_written_is_bad_input(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(BadInput, match=r"Cannot write in .*--out"), Run(tmp_path, device="cpu"):
        pass


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_a_device_that_is_not_there_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match=r"no CUDA device.*--device cpu"):
        Run(tmp_path, device="cuda")
    assert names(tmp_path) == []


def test_a_strategy_or_precision_that_a_run_cannot_keep_is_bad_input(tmp_path):
    with pytest.raises(BadInput, match="'fsdp'"):
        Run(tmp_path, device="cpu", strategy="fsdp")
    with pytest.raises(BadInput, match="31-true"):
        Run(tmp_path, device="cpu", precision="31-true")


def test_each_step_is_one_line_of_the_log_and_tensors_become_numbers(tmp_path):
    with Run(tmp_path, device="cpu") as run:
        for step in run.steps(3):
            run.log(loss=torch.tensor(step / 2, requires_grad=True))
            run.log(count=step, broken=float("nan"))
        run.log(final=np.float32(9))
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [(row["step"], row.get("loss"), row.get("count")) for row in rows[:3]] == [(0, 0, 0), (1, 0.5, 1), (2, 1, 2)]
    assert rows[0]["broken"] is None
    assert (rows[3]["step"], rows[3]["final"]) == (3, 9)
    assert rows[0]["stage"] == "main"
    with Run(tmp_path / "other", device="cpu") as run, pytest.raises(ValueError, match="'step'"):
        run.log(step=1)


def test_tensorboard_can_read_what_was_logged(tmp_path):
    with Run(tmp_path, device="cpu") as run:
        for name in ("a", "b"):
            with run.stage(name):
                for _ in run.steps(4):
                    run.log(loss=torch.tensor(2.0))
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [(3, 2.0), (7, 2.0)]


def test_stop_ends_the_stage_after_the_step_and_the_next_one_runs(tmp_path):
    def fit(**settings):
        with Run(tmp_path, device="cpu", **settings) as run:
            taken = []
            for name in ("a", "b"):
                with run.stage(name):
                    for step in run.steps(10):
                        taken.append((name, step))
                        if (name, step) == ("a", 2):
                            run.stop()
        return taken

    assert fit() == [("a", step) for step in range(3)] + [("b", step) for step in range(10)]
    assert fit(resume=True) == []  # stopped is finished


def test_a_run_says_at_its_start_how_to_go_on_as_a_killed_one_can_say_nothing(tmp_path, capsys):
    with Run(tmp_path, device="cpu", resume_command="hotpapers x train --resume") as run:
        assert capsys.readouterr().err.endswith("go on with: hotpapers x train --resume\n")
        with run.child("part"):
            pass
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_after_the_step_and_says_how_to_go_on(tmp_path, number):
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    taken = []

    def train():
        with Run(tmp_path, device="cpu", resume_command="hotpapers x train --resume") as run:
            for step in run.steps(10):
                if step == 2:
                    os.kill(os.getpid(), number)
                    time.sleep(0.001)
                taken.append(step)  # the step is not cut short

    with pytest.raises(Interrupted, match=r"Stopped after step 3 of 10; .*go on with: hotpapers x train --resume"):
        train()
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    assert json.loads((tmp_path / "config.json").read_text())["finished"] is None
    with pytest.raises(BadInput, match="holds an unfinished run"):
        loop(tmp_path)
    with Run(tmp_path, device="cpu", resume=True) as run:
        taken.extend(run.steps(10))
    assert taken == list(range(10))


def test_a_second_ctrl_c_does_not_wait_for_the_step(tmp_path):
    def train():
        with Run(tmp_path, device="cpu") as run:
            for _ in run.steps(10):
                os.kill(os.getpid(), signal.SIGINT)
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(5)

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        train()
    assert time.monotonic() - started < 4


def test_an_error_in_a_step_gives_the_signals_back_and_finishes_nothing(tmp_path):
    before = signal.getsignal(signal.SIGINT)

    def train():
        with Run(tmp_path, device="cpu") as run:
            for _ in run.steps(10):
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        train()
    assert caught.tb is not None  # the loop's frame still lives
    assert signal.getsignal(signal.SIGINT) is before
    assert json.loads((tmp_path / "config.json").read_text())["finished"] is None


def test_a_run_works_in_a_thread_where_signals_cannot_be_heard(tmp_path):
    thread = threading.Thread(target=loop, args=(tmp_path,))
    thread.start()
    thread.join()
    assert json.loads((tmp_path / "config.json").read_text())["finished"]


def test_pictures_are_replaced_whole(tmp_path):
    with Run(tmp_path, device="cpu") as run:
        run.picture("preview", np.zeros((2, 3, 3), np.uint8))
        path = run.picture("preview", torch.tensor([1.5, 0.5, -1]).reshape(1, 3, 1, 1).expand(1, 3, 2, 3))
        run.picture("mask", torch.ones(1, 2, 3))
    assert path == tmp_path / "preview.png"
    assert names(tmp_path) == ["mask.png", "preview.png"]
    assert np.asarray(Image.open(path)).tolist() == [[[255, 128, 0]] * 3] * 2


def test_due_is_true_once_in_its_seconds(tmp_path):
    with Run(tmp_path, device="cpu") as run:
        assert not run.due("preview", seconds=0.05)
        time.sleep(0.06)
        assert run.due("preview", seconds=0.05)
        assert not run.due("preview", seconds=0.05)


@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true"])
def test_other_precisions_go_through_fabric(tmp_path, precision):
    with Run(tmp_path, device="cpu", precision=precision) as run:
        net = torch.nn.Linear(2, 2)
        net, adam = run.setup(net, torch.optim.Adam(net.parameters(), lr=0.1))
        for _ in run.steps(2):
            adam.zero_grad()
            run.backward(net(torch.ones(1, 2)).square().sum())
            adam.step()
    weights = [weight.detach().clone() for weight in net.parameters()]
    with Run(tmp_path, device="cpu", precision=precision, resume=True) as run:
        again = run.setup(torch.nn.Linear(2, 2))
    assert all(torch.equal(a, b) for a, b in zip(weights, again.parameters(), strict=True))


def test_setup_gives_things_back_in_their_order_and_refuses_what_has_no_state(tmp_path):
    net = torch.nn.Linear(1, 1)
    adam = torch.optim.Adam(net.parameters())
    generator = np.random.default_rng(0)
    with Run(tmp_path, device="cpu") as run:
        assert run.setup(generator, adam, net) == (generator, adam, net)
        with pytest.raises(TypeError, match="state_dict"):
            run.setup(object())


def test_mistakes_in_a_loop_are_told_to_its_author(tmp_path):
    with Run(tmp_path, device="cpu") as run:
        with pytest.raises(RuntimeError, match="no steps"):
            run.stop()
        with run.stage("a"):
            list(run.steps(1))
            with pytest.raises(RuntimeError, match="has had its steps"):
                list(run.steps(1))
            with pytest.raises(RuntimeError, match="inside 'a'"), run.stage("b"):
                pass
        with pytest.raises(ValueError, match="two stages called 'a'"), run.stage("a"):
            pass
    with pytest.raises(TypeError, match="JSON values"):
        Run(tmp_path, config={"x": object()})


def test_the_plumbing_of_a_step_costs_less_than_50_microseconds(tmp_path):
    loss, steps = torch.tensor(1.0, requires_grad=True) * 2, 3000
    with Run(tmp_path, device="cpu") as run:
        started = time.process_time()
        for _ in run.steps(steps):
            run.log(loss=loss)
            run.due("preview", seconds=60)
        assert (time.process_time() - started) / steps < 50e-6


def test_a_directory_whose_name_is_too_long_is_refused(tmp_path):
    with pytest.raises(BadInput, match="file name too long"), Run(tmp_path / ("a" * 300)):
        pass
