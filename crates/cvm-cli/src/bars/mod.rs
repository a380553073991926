//! Bars at the bottom of a terminal, and lines above them.
//!
//! A thread of its own draws. Who has something to show never waits for a terminal, which may be stopped.
//!
//! The cursor rests on a free row below the bars, for what a terminal shows by itself: the `^C` of Ctrl-C moves it no further.
//! A terminal that becomes narrower breaks the rows that no longer fit, so each drawing begins by counting again how many
//! rows the last one takes now.

mod board;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use console::Term;
use unicode_width::UnicodeWidthStr;

pub(crate) use board::Board;

/// How often is looked whether a clock or the terminal's size has changed.
const TICK: Duration = Duration::from_millis(100);

/// How long the last drawing is waited for: a terminal that is stopped holds nothing up.
const DRAWN_WITHIN: Duration = Duration::from_millis(500);

/// Clears what is right of the cursor.
const TO_END_OF_ROW: &str = "\u{1b}[K";

/// Bars on stderr. Copies are the same bars.
#[derive(Clone)]
pub(crate) struct Bars {
    shared: Arc<Shared>,
}

struct Shared {
    content: Mutex<Content>,
    /// There are lines to be printed, or it is over.
    has_news: Condvar,
    /// Something has been drawn.
    has_drawn: Condvar,
}

struct Content {
    board: Board,
    /// Lines to be printed above, once.
    lines: Vec<String>,
    /// How many lines there were, and how many of them stand on the terminal.
    given: usize,
    printed: usize,
    is_over: bool,
    /// The last drawing has been made.
    is_left: bool,
}

impl Bars {
    /// Shows the board from now on; `None` where no thread can be had for it.
    pub(crate) fn on_stderr(board: Board) -> Option<Self> {
        let content =
            Content { board, lines: Vec::new(), given: 0, printed: 0, is_over: false, is_left: false };
        let shared = Shared { content: content.into(), has_news: Condvar::new(), has_drawn: Condvar::new() };
        let bars = Self { shared: shared.into() };
        let (shared, screen) = (Arc::clone(&bars.shared), Screen::on_stderr());
        thread::Builder::new().name("cvm-bars".into()).spawn(move || shared.draw(screen)).ok()?;
        Some(bars)
    }

    /// Changes what is shown.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Board)) {
        change(&mut self.shared.content().board);
    }

    /// Prints a line above the bars. Once they have been left, nobody does: then it is given back.
    pub(crate) fn line(&self, text: String) -> Option<String> {
        let mut content = self.shared.content();
        if content.is_over {
            return Some(text);
        }
        content.lines.push(text);
        content.given += 1;
        self.shared.has_news.notify_one();
        None
    }

    /// Waits until the lines up to now stand on the terminal, for as long as it takes.
    pub(crate) fn flush(&self) {
        let content = self.shared.content();
        let given = content.given;
        let waited = self.shared.has_drawn.wait_while(content, |content| content.printed < given);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Leaves the bars as they are.
    pub(crate) fn finish(&self) {
        let mut content = self.shared.content();
        content.is_over = true;
        self.shared.has_news.notify_one();
        // Late: the terminal is stopped, and whoever writes next is held up by itself.
        let left =
            self.shared.has_drawn.wait_timeout_while(content, DRAWN_WITHIN, |content| !content.is_left);
        drop(left.unwrap_or_else(PoisonError::into_inner));
    }
}

impl Shared {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw(&self, mut screen: Screen) {
        loop {
            let content = self.content();
            let is_quiet = |content: &mut Content| content.lines.is_empty() && !content.is_over;
            let waited = self.has_news.wait_timeout_while(content, TICK, is_quiet);
            let (mut content, _) = waited.unwrap_or_else(PoisonError::into_inner);
            let (lines, is_over) = (std::mem::take(&mut content.lines), content.is_over);
            let rows = content.board.lay_out(Instant::now(), screen.rows(), screen.columns());
            drop(content);
            screen.draw(&lines, rows);
            let mut content = self.content();
            content.printed += lines.len();
            content.is_left = is_over;
            self.has_drawn.notify_all();
            if is_over {
                return;
            }
        }
    }
}

/// The bottom of a terminal.
struct Screen {
    term: Term,
    /// What was drawn last, and in how many columns.
    drawn: Vec<String>,
    drawn_in: usize,
    /// The process was stopped (Ctrl-Z): whatever stands below what was drawn is a shell's.
    was_stopped: Arc<AtomicBool>,
}

impl Screen {
    fn on_stderr() -> Self {
        let was_stopped = Arc::default();
        // Where it cannot be known, the next drawing is in the wrong place, and the one after it in the right one.
        #[cfg(unix)]
        let _ = signal_hook::flag::register(signal_hook::consts::SIGCONT, Arc::clone(&was_stopped));
        Self { term: Term::buffered_stderr(), drawn: Vec::new(), drawn_in: 0, was_stopped }
    }

    /// How many rows bars may take, above the one that stays free.
    fn rows(&self) -> usize {
        usize::from(self.term.size().0).saturating_sub(1)
    }

    /// How many columns a row may take: one that is full would be broken where the terminal becomes narrower by one.
    fn columns(&self) -> usize {
        usize::from(self.term.size().1).saturating_sub(1)
    }

    /// Draws the rows in place of those that were drawn last, below the lines.
    fn draw(&mut self, lines: &[String], rows: Vec<String>) {
        let columns = self.columns();
        if self.was_stopped.swap(false, Ordering::Relaxed) {
            self.drawn.clear();
        }
        if lines.is_empty() && rows == self.drawn && columns == self.drawn_in {
            return;
        }
        // Where stderr is gone, there is nobody to tell.
        let _ = self.replace(lines, &rows, columns);
        (self.drawn, self.drawn_in) = (rows, columns);
    }

    fn replace(&self, lines: &[String], rows: &[String], columns: usize) -> std::io::Result<()> {
        let up = rows_taken(&self.drawn, self.drawn_in, columns);
        self.term.write_str("\r")?;
        self.term.move_cursor_up(up)?;
        // Row by row, and what is left of the last drawing in the end: a terminal that is cleared from its first row keeps
        // what stood there, so that each drawing would be found when one scrolls back.
        for line in lines.iter().chain(rows) {
            self.term.write_str(line)?;
            self.term.write_line(if ends_full(line, columns) { "" } else { TO_END_OF_ROW })?;
        }
        if lines.len() + rows.len() > 0 || up > 0 {
            self.term.clear_to_end_of_screen()?;
        }
        self.term.flush()
    }
}

/// Whether a line fills its last row: the cursor is on its last character then, which would be cleared.
fn ends_full(line: &str, columns: usize) -> bool {
    let cells = console::strip_ansi_codes(line).width();
    // One column more than bars may use.
    cells > 0 && cells.is_multiple_of(columns + 1)
}

/// How many rows of a terminal the drawn rows take, once it has so many columns.
fn rows_taken(drawn: &[String], drawn_in: usize, columns: usize) -> usize {
    if columns >= drawn_in {
        return drawn.len();
    }
    // One column more than bars may use.
    let width = columns + 1;
    let cells = drawn.iter().map(|row| console::strip_ansi_codes(row).width());
    cells.map(|cells| cells.div_ceil(width).max(1)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_fills_its_row_keeps_its_last_character() {
        for (line, columns, is_full) in
            [("", 39, false), ("a", 39, false), ("镜像", 3, true), ("镜像", 1, true), ("镜像", 4, false)]
        {
            assert_eq!(ends_full(line, columns), is_full, "{line} in {columns}");
        }
        assert!(ends_full(&format!("\u{1b}[36m{}\u{1b}[0m", "b".repeat(40)), 39));
    }

    #[test]
    fn rows_that_a_narrower_terminal_breaks_are_counted_again() {
        let drawn = [
            "a".repeat(79),
            "镜".repeat(20),
            String::new(),
            format!("\u{1b}[36m{}\u{1b}[0m", "b".repeat(40)),
        ];
        for (columns, taken) in [(199, 4), (79, 4), (78, 4), (39, 5), (38, 8), (19, 9)] {
            assert_eq!(rows_taken(&drawn, 79, columns), taken, "{columns}");
        }
    }
}
