"""What a scenario sees: the newest task, results since, and text that stands beside them."""

from remit.simulator.view import View
from tests.simulator.conversations import answered, asked, called, user


def test_a_first_question() -> None:
    view = View.of(asked(user("do", " it"), system="You plan.", tools=("find", "pay")))
    assert (view.task, view.note, view.results, view.latest) == ("do it", "", 0, ())
    assert view.system == "You plan."
    assert view.tools == {"find", "pay"}


def test_results_since_the_task() -> None:
    view = View.of(
        asked(
            user("do it"),
            called("a", "b"),
            answered(("a", "1"), ("b", "2")),
            called("c"),
            answered(("c", "3"), note="hurry"),
        )
    )
    assert (view.task, view.note, view.results) == ("do it", "hurry", 3)
    assert [part.text for part in view.latest] == ["3"]


def test_a_new_task_starts_again() -> None:
    view = View.of(
        asked(user("one"), called("a"), answered(("a", "1"), note="x"), called("b"), user("two"))
    )
    assert (view.task, view.note, view.results, view.latest) == ("two", "", 0, ())


def test_it_describes_itself_for_an_error() -> None:
    view = View.of(asked(user("do it"), called("a"), answered(("a", "found")), model="m"))
    assert view.describe() == (
        "model 'm', task 'do it', 1 tool results since, last result of 'find': 'found'"
    )
    assert View.of(asked(user("do it"), model="m")).describe() == (
        "model 'm', task 'do it', 0 tool results since"
    )
