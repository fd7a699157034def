"""What resume promises: the same weights, to the bit, as if nothing had happened."""

import json
import signal

import pytest
import torch

from hotpapers.errors import BadInput


def same(a, b):
    return len(a) == len(b) and all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.fixture(scope="session")
def whole(training, tmp_path_factory):
    """The weights of a run that nothing interrupted."""
    from hotpapers import progress

    before = progress._style
    progress.show_as("quiet")
    weights = training.fit(tmp_path_factory.mktemp("whole") / "run")
    progress._style = before
    return weights


@pytest.mark.parametrize(
    ("kill_at", "went_on_at"),
    [
        (("coarse", 0), ("coarse", 0)),
        (("coarse", 7), ("coarse", 7)),
        (("fine", 0), ("fine", 0)),
        (("fine", 19), ("fine", 19)),
    ],
)
def test_a_run_that_was_killed_resumes_to_the_same_weights(training, in_process, tmp_path, whole, kill_at, went_on_at):
    assert in_process(training.fit, tmp_path, kill_at=kill_at) == -signal.SIGKILL
    trace = []
    assert same(training.fit(tmp_path, resume=True, trace=trace), whole)
    assert trace[0] == went_on_at


def test_a_run_without_stages_resumes_too(training, in_process, tmp_path):
    def fit(out, **settings):
        with training.Run(out, seed=5, device="cpu", checkpoint_seconds=0) as run:
            return run, training._train(run, "main", settings.get("kill_at"), None, None)

    def resume(out):
        with training.Run(out, seed=5, device="cpu", resume=True) as run:
            return training._train(run, "main", None, None, None)

    _, unbroken = fit(tmp_path / "whole")
    assert in_process(fit, tmp_path / "killed", kill_at=("main", 10)) == -signal.SIGKILL
    assert same(list(resume(tmp_path / "killed").parameters()), list(unbroken.parameters()))


def test_no_step_is_in_the_log_twice_after_a_resume(training, in_process, tmp_path):
    in_process(training.fit, tmp_path, kill_at=("fine", 11), checkpoint_seconds=0.01)
    with open(tmp_path / "metrics.jsonl", "a") as log:
        log.write('{"stage": "fine", "step": 19, "loss": 1}\n{"stage": "fi')  # beyond the checkpoint, and a torn line
    training.fit(tmp_path, resume=True)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    steps = [(row["stage"], row["step"]) for row in rows]
    assert len(steps) == len(set(steps))
    assert {step for stage, step in steps if stage == "fine"} == set(range(21))  # 20 steps, and what follows them
    assert {step for stage, step in steps if stage == "coarse"} == set(range(21))


def test_a_finished_run_is_returned_without_a_step(training, tmp_path, whole):
    training.fit(tmp_path)
    trace = []
    assert same(training.fit(tmp_path, resume=True, trace=trace), whole)
    assert trace == []


def test_weights_are_back_when_setup_returns(tmp_path, training):
    weights = training.fit(tmp_path, stages=["coarse"])
    with training.Run(tmp_path, seed=3, config=training.CONFIG, device="cpu", resume=True) as run, run.stage("coarse"):
        net = torch.nn.Sequential(
            torch.nn.Linear(4, 16), torch.nn.BatchNorm1d(16), torch.nn.Dropout(0.3), torch.nn.Linear(16, 4)
        )
        assert same(list(run.setup(net).parameters()), weights)


def test_what_is_set_up_outside_the_stages_belongs_to_all(tmp_path):
    from hotpapers.run import Run

    def fit(out, stop=None, **settings):
        seen = []
        with Run(out, seed=1, device="cpu", checkpoint_seconds=0, **settings) as run:
            weight = torch.nn.Parameter(torch.ones(3))
            adam = torch.optim.Adam([weight], lr=0.1)
            weight, adam = run.setup(weight, adam)
            for name in "abc":
                with run.stage(name):
                    for step in run.steps(5):
                        if (name, step) == stop:
                            raise RuntimeError
                        adam.zero_grad()
                        run.backward((weight - torch.randn(3)).square().sum())
                        adam.step()
                    seen.append(weight.detach().clone())  # as it was after this stage, also when resumed
        return seen

    unbroken = fit(tmp_path / "whole")
    with pytest.raises(RuntimeError):
        fit(tmp_path / "broken", stop=("b", 3))
    assert same(fit(tmp_path / "broken", resume=True), unbroken)


def test_a_run_to_resume_that_is_not_there_starts(training, tmp_path, whole):
    assert same(training.fit(tmp_path / "new", resume=True), whole)


def test_resume_with_another_config_names_the_setting(training, tmp_path):
    training.fit(tmp_path, stages=["coarse"])
    with pytest.raises(BadInput, match=r"nested\.rate = 0\.01, now it is 0\.02"):
        training.fit(tmp_path, resume=True, config={"steps": 20, "nested": {"rate": 0.02}})
    with pytest.raises(BadInput, match="seed = 3, now it is 4"):
        training.fit(tmp_path, resume=True, seed=4)
    with pytest.raises(BadInput, match="extra = not set, now it is 1"):
        training.fit(tmp_path, resume=True, config=training.CONFIG | {"extra": 1})


def test_a_damaged_checkpoint_costs_one_interval_and_not_the_run(training, in_process, tmp_path, whole):
    in_process(training.fit, tmp_path, kill_at=("fine", 10))
    last = tmp_path / "checkpoints" / "last.safetensors"
    last.write_bytes(last.read_bytes()[:-100])
    trace = []
    assert same(training.fit(tmp_path, resume=True, trace=trace), whole)
    assert trace[0] == ("fine", 9)


def test_a_bit_that_flipped_in_a_checkpoint_is_noticed(training, in_process, tmp_path):
    in_process(training.fit, tmp_path, kill_at=("coarse", 10))
    for name in ("last", "previous"):
        path = tmp_path / "checkpoints" / f"{name}.safetensors"
        path.write_bytes(path.read_bytes()[:-50] + b"\x55" + path.read_bytes()[-49:])
    with pytest.raises(BadInput, match=r"last\.safetensors is damaged.*delete it.*fresh"):
        training.fit(tmp_path, resume=True)


def test_a_model_that_has_changed_since_is_refused_in_one_line(training, tmp_path):
    from hotpapers.run import Run

    with Run(tmp_path, device="cpu") as run:
        run.setup(torch.nn.Linear(2, 2))
        list(run.steps(1))
    with (
        pytest.raises(BadInput, match=r"does not fit this Linear.*fresh") as caught,
        Run(tmp_path, device="cpu", resume=True) as run,
    ):
        run.setup(torch.nn.Linear(3, 2))
    assert "\n" not in str(caught.value)


def test_what_a_killed_writer_left_is_swept_up(training, tmp_path):
    left = tmp_path / "checkpoints" / ".last.safetensors.abc"
    left.mkdir(parents=True)
    training.fit(tmp_path, stages=["coarse"])
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["finished-coarse.safetensors"]


def test_nothing_that_a_run_writes_is_a_pickle(training, in_process, tmp_path):
    in_process(training.fit, tmp_path, kill_at=("fine", 5))
    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert names == ["finished-coarse.safetensors", "last.safetensors", "previous.safetensors"]
    for path in (tmp_path / "checkpoints").iterdir():
        assert path.read_bytes()[8:10] == b'{"'  # the header of a safetensors file is JSON
