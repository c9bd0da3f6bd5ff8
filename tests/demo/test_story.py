"""The story is plain where nobody looks at a terminal, and a failure names its step."""

import io

from authserver.demo.story import Story, for_terminal


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(story: Story) -> str:
    story.step("Somebody knocks.")
    story.sent("a knock")
    story.seen("the door")
    story.fail("it is locked")
    story.fail("nobody is there")
    assert isinstance(story.out, io.StringIO)
    return story.out.getvalue()


def test_a_file_gets_no_colours():
    text = told(for_terminal(io.StringIO(), no_color=False))
    assert "\033" not in text
    assert " 1. Somebody knocks.\n      -> a knock\n      <- the door\n" in text


def test_a_terminal_gets_colours_unless_somebody_minds():
    assert "\033[1mSomebody knocks.\033[0m" in told(for_terminal(Terminal(), no_color=False))
    assert "\033" not in told(for_terminal(Terminal(), no_color=True))


def test_only_the_first_failure_is_told_and_it_names_its_step():
    story = for_terminal(io.StringIO(), no_color=True)
    text = told(story)
    assert story.failure == "FAILED at step 1 (Somebody knocks.): it is locked"
    assert story.failure in text
    assert "nobody is there" not in text


def test_a_failure_before_the_first_step_says_so():
    story = Story(io.StringIO())
    story.fail("no port is free")
    assert story.failure == "FAILED at the start: no port is free"
