"""An interruption is raised once, in the main thread, and never while something is half done."""

import os
import signal
import threading
from contextlib import suppress
from types import SimpleNamespace

import pytest

from authserver.demo import run
from authserver.demo.interruptions import Interruption, Interruptions


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_is_an_interruption(number):
    with Interruptions(), pytest.raises(Interruption):
        send(number)


def test_what_is_begun_is_brought_to_its_end_first():
    done = []
    with Interruptions() as interruptions, pytest.raises(Interruption):  # noqa: PT012
        with interruptions.held():
            with interruptions.held():
                send(signal.SIGTERM)
            done.append("inner")
            done.append("outer")
        done.append("after")
    assert done == ["inner", "outer"]


def test_a_failure_while_held_is_not_hidden_by_the_interruption():
    with (  # noqa: PT012
        Interruptions() as interruptions,
        pytest.raises(ValueError, match="the port"),
        interruptions.held(),
    ):
        send(signal.SIGINT)
        raise ValueError("the port")


def test_the_second_signal_does_not_disturb_the_ending():
    with Interruptions() as interruptions:
        with pytest.raises(Interruption):
            send(signal.SIGINT)
        send(signal.SIGINT)
        send(signal.SIGTERM)
        interruptions.hold()
        send(signal.SIGINT)


def test_nothing_is_raised_once_the_ending_has_begun():
    with Interruptions() as interruptions:
        interruptions.hold()
        send(signal.SIGINT)


def test_the_signals_are_given_back():
    before = signal.getsignal(signal.SIGTERM)
    with Interruptions():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_another_thread_has_no_signals_to_take_over():
    raised = []

    def elsewhere() -> None:
        try:
            with Interruptions() as interruptions, interruptions.held():
                pass
        except ValueError as error:
            raised.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert raised == []


def test_one_that_something_took_for_its_own_failure_is_known():
    with Interruptions() as interruptions:
        assert not interruptions.was_raised
        with pytest.raises(Interruption):
            send(signal.SIGTERM)
        assert interruptions.was_raised


def test_a_walk_that_fails_for_an_interruption_is_interrupted(monkeypatch, capsys):
    def lost(*_):
        with suppress(Interruption):
            send(signal.SIGTERM)
        return False

    place = SimpleNamespace(mcp_url="http://mcp", upstream="http://idp", issuer="http://as")
    servers = SimpleNamespace(wait_until_up=lambda: None, place=place, last_words=lambda: "words")
    monkeypatch.setattr(run, "start", lambda *_: servers)
    monkeypatch.setattr(run, "walk", lost)

    assert run.run(check=True, directory=None) == 1
    said = capsys.readouterr().out
    assert "Interrupted." in said
    assert "words" not in said
