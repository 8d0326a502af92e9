"""What every training of a peer promises about a run that was finished, or killed, and called again."""

from functools import partial

import pytest
import torch

from lineament.training import Run


def taken_up(train, model, folder):
    """A finished training is taken up as it is."""
    written = (folder / "metrics.jsonl").read_bytes()
    again = train(folder)
    assert (folder / "metrics.jsonl").read_bytes() == written and again.card["metrics"] == model.card["metrics"]
    for name, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])


def killed(train, config, module, folder, monkeypatch):
    """A training killed after four steps ends with the weights of one that was not; gives what it ended with."""
    log, died = Run.log, []

    def dying(run, **values):
        if run.step == 4 and not died:
            died.append(True)
            raise KeyboardInterrupt
        log(run, **values)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Run, "log", dying)
        patch.setattr(module, "Run", partial(Run, checkpoint_seconds=0.0))
        train(folder / "killed", config)
    resumed, whole = train(folder / "killed", config), train(folder / "whole", config)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name])
    return resumed
