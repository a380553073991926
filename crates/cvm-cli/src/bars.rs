//! The terminal below the bars: a row that is left free, for what a terminal shows by itself.
//!
//! indicatif leaves the cursor at the end of a full row. The `^C` that a terminal shows for Ctrl-C goes to the next one
//! then, and the next redraw begins a row too low: the upper bar stays, and is there twice. With the cursor at the
//! beginning of a row of its own, `^C` moves it no further.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use console::Term;
use indicatif::{MultiProgress, ProgressDrawTarget, TermLike};

/// How often the bars are redrawn at most, in a second.
const REDRAWS: u8 = 20;

/// Bars on stderr, with a free row below.
pub(crate) fn on_stderr() -> MultiProgress {
    let terminal = RowBelow { term: Term::buffered_stderr(), is_below: false.into(), is_drawn: false.into() };
    MultiProgress::with_draw_target(ProgressDrawTarget::term_like_with_hz(Box::new(terminal), REDRAWS))
}

/// A terminal whose cursor rests on the row below what was drawn. It shows nothing before it is flushed.
#[derive(Debug)]
struct RowBelow {
    term: Term,
    /// The cursor is on that row, where indicatif takes it for being at the end of the one above.
    is_below: AtomicBool,
    /// Something was drawn since the last flush.
    is_drawn: AtomicBool,
}

impl RowBelow {
    fn leave_row(&self) -> bool {
        self.is_below.swap(false, Ordering::Relaxed)
    }
}

impl TermLike for RowBelow {
    fn width(&self) -> u16 {
        self.term.size().1
    }

    fn height(&self) -> u16 {
        self.term.size().0.saturating_sub(1)
    }

    fn move_cursor_up(&self, rows: usize) -> io::Result<()> {
        match rows {
            // Whether there is anything to go to is not known before it is cleared.
            0 => Ok(()),
            _ => self.term.move_cursor_up(rows + usize::from(self.leave_row())),
        }
    }

    fn move_cursor_down(&self, rows: usize) -> io::Result<()> {
        self.term.move_cursor_down(rows)
    }

    fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
        self.term.move_cursor_right(columns)
    }

    fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
        self.term.move_cursor_left(columns)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)?;
        self.term.write_line("")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        if self.leave_row() {
            // The row is free but for what the terminal has shown.
            self.term.clear_line()?;
        }
        self.is_drawn.store(true, Ordering::Relaxed);
        self.term.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        if self.leave_row() {
            self.term.move_cursor_up(1)?;
        }
        self.term.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        if self.is_drawn.swap(false, Ordering::Relaxed) {
            self.term.write_str("\r\n")?;
            self.is_below.store(true, Ordering::Relaxed);
        }
        self.term.flush()
    }
}
