"""What a terminal shows once progress was drawn, taken back and drawn again."""

from tools.terminal_picture import screen


def test_lines_that_are_taken_back_are_gone() -> None:
    frame = "\x1b[?25lbar 1\ncounts 1"
    again = "\r\x1b[2K\x1b[1A\x1b[2Kbar 2\ncounts 2"
    assert screen(frame + again) == "bar 2\ncounts 2"
    end = "\r\x1b[2K\x1b[1A\x1b[2K\x1b[?25h3 files\r\nreal 3\r\n"
    assert screen(frame + again + end) == "3 files\nreal 3"


def test_colours_stay_and_a_line_is_written_over_from_its_start() -> None:
    assert screen("\x1b[1mold\x1b[0m\r\x1b[31mnew\x1b[0m") == "\x1b[31mnew\x1b[0m"
    assert screen("") == ""
