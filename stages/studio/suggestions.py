"""Suggestions for the samples of a draft that have no label, made in the background: a model is
asked in a process of its own, which may take minutes, while people go on labelling."""

import threading
from typing import NamedTuple

from stages.runtime.errors import WorkflowError
from stages.settings import Settings
from stages.studio.child import called
from stages.studio.drafts import Drafts
from stages.studio.drawn_test import draw_test


class SuggestionState(NamedTuple):
    """`running`: whether a model is being asked. `problem`: why the last time did not work; ''.
    `rounds`: how often suggestions were noted, so that a page knows when there are new ones.
    `drawn`: how many test samples were drawn before the first of them."""

    running: bool = False
    problem: str = ""
    rounds: int = 0
    drawn: int = 0


class Suggestions:
    """The suggestions of a workspace's drafts. For one data set, one model is asked at a time."""

    def __init__(self, settings: Settings, drafts: Drafts) -> None:
        self._settings, self._drafts = settings, drafts
        self._mutex = threading.Lock()
        self._states: dict[str, SuggestionState] = {}

    def state(self, name: str) -> SuggestionState:
        """How far the suggestions for the data set `name` are."""
        return self._states.get(name, SuggestionState())

    def start(self, name: str) -> SuggestionState:
        """Draw the test samples if the data have none, then begin to ask the last model of the data
        set `name`, unless it is being asked."""
        with self._mutex:
            before = self.state(name)
            if before.running:
                return before
            drawn = before.drawn + draw_test(self._drafts.of(name))
            state = self._states[name] = before._replace(running=True, problem="", drawn=drawn)
            threading.Thread(target=self._run, args=(name,), daemon=True).start()
            return state

    def _run(self, name: str) -> None:
        state = self.state(name)._replace(running=False)
        try:
            found = called("suggested", {"name": name}, self._settings)
            self._drafts.of(name).note_suggestions(found["samples"])
            state = state._replace(rounds=state.rounds + 1)
        except WorkflowError as error:
            state = state._replace(problem=f"{error.problem} {error.remedy}".strip())
        except Exception as error:  # a fault of ours ends this thread alone, and is told
            state = state._replace(problem=f"{type(error).__name__}: {error}")
            raise
        finally:
            self._states[name] = state
