"""Searches on the toy model that are killed at a chosen point, to be resumed."""

import pytest
from kit import search_by
from toy import toy_config

from mmlth.engine.hooks import ProgressHook


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it, nothing is written because of it."""


def config_of(work_dir, change=None, **lottery):
    config = toy_config(work_dir)
    config.lottery.update(lottery)
    if change:
        change(config)
    return config


def search(work_dir, change=None, resume=False, **lottery):
    config = config_of(work_dir, change, **lottery)
    config.resume = resume
    search_by(config)


def end_at(monkeypatch, hook, point, round_name, iteration, error=Killed):
    """Ends the process at a point of a hook, in one round after so many iterations (None: any)."""
    original = getattr(hook, point)

    def end(self, runner, *args, **kwargs):
        if runner.work_dir.endswith(round_name) and iteration in (runner.iter, None):
            raise error
        original(self, runner, *args, **kwargs)

    monkeypatch.setattr(hook, point, end)


def kill_in_round(tmp_path, monkeypatch, round_name, iteration):
    end_at(monkeypatch, ProgressHook, 'before_train_iter', round_name, iteration)
    with pytest.raises(Killed):
        search(tmp_path)
    monkeypatch.undo()
