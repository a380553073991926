//! What bars show: a total, the copies that run, those that have ended, and last those that failed.

use std::time::{Duration, Instant};

use console::Style;
use unicode_width::UnicodeWidthStr;

use crate::render::counted;
use crate::table::clip;

/// The shortest bar that says anything, and the longest.
const BAR: (usize, usize) = (6, 30);

/// Percentage and time, with a space before each.
const PERCENT: usize = 6;
const TIME: usize = 7;

/// The longest word for a state that is kept whole.
const STATE: usize = 9;

/// A job's destinations as they are shown.
pub(crate) struct Board {
    /// How many destinations the job has.
    expected: usize,
    /// Whether the image has to be named with each region.
    several: bool,
    has_colour: bool,
    began: Instant,
    rows: Vec<Row>,
}

struct Row {
    source: String,
    region: String,
    state: String,
    percent: usize,
    began: Instant,
    end: Option<End>,
}

struct End {
    is_well: bool,
    after: Duration,
}

/// Where a row stands among the others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Running,
    Done,
    Failed,
}

/// How wide the parts of each row are.
struct Widths {
    label: usize,
    bar: usize,
    has_time: bool,
    columns: usize,
}

impl Board {
    pub(crate) fn new(expected: usize, several: bool, has_colour: bool) -> Self {
        Self { expected, several, has_colour, began: Instant::now(), rows: Vec::new() }
    }

    /// A copy is on its way, since so long.
    pub(crate) fn copying(
        &mut self,
        source: &str,
        region: &str,
        state: &str,
        percent: i64,
        elapsed: Duration,
    ) {
        let now = Instant::now();
        let row = self.row(source, region);
        state.clone_into(&mut row.state);
        row.percent = usize::try_from(percent.clamp(0, 100)).unwrap_or(0);
        row.began = now.checked_sub(elapsed).unwrap_or(now);
    }

    /// A destination has ended, after so long.
    pub(crate) fn ended(
        &mut self,
        source: &str,
        region: &str,
        outcome: &str,
        is_well: bool,
        after: Duration,
    ) {
        let row = self.row(source, region);
        outcome.clone_into(&mut row.state);
        row.end = Some(End { is_well, after });
        if outcome == "copied" {
            row.percent = 100;
        }
    }

    fn row(&mut self, source: &str, region: &str) -> &mut Row {
        let known = self.rows.iter().position(|row| row.source == source && row.region == region);
        let at = known.unwrap_or_else(|| {
            self.rows.push(Row {
                source: source.to_owned(),
                region: region.to_owned(),
                state: String::new(),
                percent: 0,
                began: Instant::now(),
                end: None,
            });
            self.rows.len() - 1
        });
        &mut self.rows[at]
    }

    /// The rows of a terminal that show it, at most so many and so wide.
    pub(super) fn lay_out(&self, now: Instant, most: usize, columns: usize) -> Vec<String> {
        if self.rows.is_empty() {
            return Vec::new();
        }
        let has_total = self.expected > 1;
        let (shown, hidden) = self.choose(most.saturating_sub(usize::from(has_total)));
        let widths = self.widths(&shown, columns);
        let mut lines = Vec::new();
        if has_total {
            lines.push(self.total(&widths, now));
        }
        for row in shown {
            let (time, state) = (row.end.as_ref().map_or(now - row.began, |end| end.after), row.word());
            lines.push(self.line(&widths, &self.label(row, widths.label), row.percent, time, &state));
        }
        if !hidden.is_empty() {
            lines.push(clip(&format!("{} more: {}", hidden.len(), in_words(&hidden)), columns));
        }
        lines.truncate(most);
        lines
    }

    /// The rows that are shown in their order, and those for which there is no room: rather what has ended well than what
    /// has failed, and rather that than what runs.
    fn choose(&self, room: usize) -> (Vec<&Row>, Vec<&Row>) {
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        // Each group keeps its order.
        rows.sort_by_key(|row| row.group());
        if rows.len() <= room {
            return (rows, Vec::new());
        }
        let room = room.saturating_sub(1);
        let of =
            |group: Group| -> Vec<&Row> { rows.iter().copied().filter(|row| row.group() == group).collect() };
        let (running, done, failed) = (of(Group::Running), of(Group::Done), of(Group::Failed));
        let running_room = running.len().min(room);
        let failed_room = failed.len().min(room - running_room);
        // What has just ended stands at the end of its group.
        let done_room = done.len().min(room - running_room - failed_room);
        let (done_hidden, done_shown) = done.split_at(done.len() - done_room);
        let (failed_hidden, failed_shown) = failed.split_at(failed.len() - failed_room);
        let shown = [&running[..running_room], done_shown, failed_shown].concat();
        (shown, [&running[running_room..], done_hidden, failed_hidden].concat())
    }

    fn widths(&self, shown: &[&Row], columns: usize) -> Widths {
        let labels = shown.iter().map(|row| self.label(row, usize::MAX).width());
        let longest = labels.chain(["total".len()]).max().unwrap_or(0);
        let room = columns.saturating_sub(PERCENT + 1 + STATE);
        // The name of an image is worth more than a bar.
        let has_bar = !self.several || longest + 1 + BAR.0 <= room;
        let shortest = if has_bar { 1 + BAR.0 } else { 0 };
        let label = longest.min(room.saturating_sub(shortest)).max("total".len());
        let rest = room.saturating_sub(label);
        let has_time = rest >= shortest + TIME;
        let rest = rest.saturating_sub(usize::from(has_bar) + if has_time { TIME } else { 0 });
        // The total's sentence is worth a shorter bar, but not a tiny one.
        let longer = if self.expected > 1 { self.tally().width().saturating_sub(STATE) } else { 0 };
        let rest = if rest >= longer + 2 * BAR.0 { rest - longer } else { rest };
        Widths { label, bar: if has_bar { rest.clamp(BAR.0, BAR.1) } else { 0 }, has_time, columns }
    }

    /// A row's name in so many cells: of image and region, the image is cut first.
    fn label(&self, row: &Row, most: usize) -> String {
        let room = most.saturating_sub(row.region.width() + 1);
        if !self.several || room < 4 {
            return clip(&row.region, most);
        }
        format!("{} {}", clip(&row.source, room), row.region)
    }

    fn line(&self, widths: &Widths, label: &str, percent: usize, time: Duration, state: &str) -> String {
        let filled = widths.bar * percent / 100;
        let bar = "█".repeat(filled) + &"░".repeat(widths.bar - filled);
        let bar = match widths.bar {
            0 => String::new(),
            _ if self.has_colour => format!(" {}", Style::new().cyan().force_styling(true).apply_to(bar)),
            _ => format!(" {bar}"),
        };
        let label = format!("{label}{}", " ".repeat(widths.label.saturating_sub(label.width())));
        let time = if widths.has_time { format!(" {:>6}", short(time)) } else { String::new() };
        let state = clip(state, widths.state());
        format!("{label}{bar} {percent:>3} %{time} {state}")
    }

    /// How many destinations have what was asked for, and how many never will.
    fn tally(&self) -> String {
        let in_group = |group| self.rows.iter().filter(|row| row.group() == group).count();
        let (done, failed) = (in_group(Group::Done), in_group(Group::Failed));
        let done = format!("{done} of {} done", self.expected());
        if failed == 0 { done } else { format!("{done}, {failed} failed") }
    }

    fn expected(&self) -> usize {
        self.expected.max(self.rows.len())
    }

    fn total(&self, widths: &Widths, now: Instant) -> String {
        let percents = self.rows.iter().map(|row| if row.end.is_some() { 100 } else { row.percent });
        // Where the row has no room for the sentence, its beginning does.
        let state = self.tally();
        let state = match state.split_once(" done") {
            Some((short, _)) if state.width() > widths.state() => short,
            _ => &state,
        };
        self.line(widths, "total", percents.sum::<usize>() / self.expected(), now - self.began, state)
    }
}

impl Widths {
    /// How wide the state at the end may be.
    fn state(&self) -> usize {
        let bar = if self.bar > 0 { 1 + self.bar } else { 0 };
        let taken = self.label + bar + PERCENT + if self.has_time { TIME } else { 0 } + 1;
        self.columns.saturating_sub(taken)
    }
}

impl Row {
    fn group(&self) -> Group {
        match &self.end {
            None => Group::Running,
            Some(end) if end.is_well => Group::Done,
            Some(_) => Group::Failed,
        }
    }

    fn word(&self) -> String {
        self.state.replace('_', " ")
    }
}

/// How many of the rows are in which state.
fn in_words(rows: &[&Row]) -> String {
    let mut counts: Vec<(usize, String)> = Vec::new();
    for row in rows {
        match counts.iter_mut().find(|(_, word)| *word == row.word()) {
            Some((count, _)) => *count += 1,
            None => counts.push((1, row.word())),
        }
    }
    counted(counts)
}

/// A time in at most six cells.
fn short(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGIONS: [&str; 6] =
        ["ap-guangzhou", "ap-beijing", "na-siliconvalley", "ap-chengdu", "ap-tokyo", "eu-frankfurt"];

    /// Two run, two are done, two have failed.
    fn board(several: bool) -> Board {
        let mut board = Board::new(8, several, false);
        let image = |number: usize| {
            if several && number % 2 == 1 { "img-镜像镜像镜像" } else { "img-o3ycss2p" }
        };
        for (number, region) in REGIONS.into_iter().enumerate() {
            board.copying(
                image(number),
                region,
                "SYNCING",
                10 * i64::try_from(number).unwrap() + 10,
                Duration::ZERO,
            );
        }
        board.ended(image(0), REGIONS[0], "failed", false, Duration::from_secs(59));
        board.ended(image(1), REGIONS[1], "copied", true, Duration::from_secs(125));
        board.ended(image(2), REGIONS[2], "present", true, Duration::from_secs(3_725));
        board.ended(image(3), REGIONS[3], "timed_out", false, Duration::from_secs(3_600));
        board
    }

    fn laid_out(several: bool, rows: usize, columns: usize) -> Vec<String> {
        let board = board(several);
        board.lay_out(board.began, rows, columns)
    }

    #[test]
    fn what_runs_stands_before_what_is_done_and_what_failed_last() {
        assert_eq!(
            laid_out(false, 20, 82),
            [
                "total            ██████████████████░░░░░░░░░░░░  63 %     0s 2 of 8 done, 2 failed",
                "ap-tokyo         ███████████████░░░░░░░░░░░░░░░  50 %     0s SYNCING",
                "eu-frankfurt     ██████████████████░░░░░░░░░░░░  60 %     0s SYNCING",
                "ap-beijing       ██████████████████████████████ 100 %  2m05s copied",
                "na-siliconvalley █████████░░░░░░░░░░░░░░░░░░░░░  30 %  1h02m present",
                "ap-guangzhou     ███░░░░░░░░░░░░░░░░░░░░░░░░░░░  10 %    59s failed",
                "ap-chengdu       ████████████░░░░░░░░░░░░░░░░░░  40 %  1h00m timed out",
            ]
        );
    }

    #[test]
    fn what_has_no_room_is_counted_and_the_failed_stay_longer_than_the_done() {
        let firsts = |rows| -> Vec<String> {
            let lines = laid_out(false, rows, 80);
            assert!(lines.len() <= rows, "{lines:?}");
            lines.iter().map(|line| line.split(['█', '░']).next().unwrap().trim().to_owned()).collect()
        };
        let more = |text: &str| text.to_owned();
        for (rows, expected) in [
            (
                6,
                vec![
                    "total",
                    "ap-tokyo",
                    "eu-frankfurt",
                    "ap-guangzhou",
                    "ap-chengdu",
                    "2 more: 1 copied, 1 present",
                ],
            ),
            (
                5,
                vec![
                    "total",
                    "ap-tokyo",
                    "eu-frankfurt",
                    "ap-chengdu",
                    "3 more: 1 copied, 1 present, 1 failed",
                ],
            ),
            (3, vec!["total", "ap-tokyo", "5 more: 1 SYNCING, 1 copied, 1 present, 1 failed, 1 timed out"]),
            (1, vec!["total"]),
            (0, vec![]),
        ] {
            assert_eq!(firsts(rows), expected.into_iter().map(more).collect::<Vec<_>>(), "{rows}");
        }
    }

    #[test]
    fn no_row_is_wider_than_the_terminal_from_40_columns_up() {
        for several in [false, true] {
            for columns in 39..=200 {
                for rows in [2, 4, 20] {
                    for line in laid_out(several, rows, columns) {
                        assert!(line.width() <= columns, "{columns}: {line}");
                        assert!(line.contains(" % ") || line.contains(" more: "), "{line}");
                    }
                }
            }
        }
        assert_eq!(
            laid_out(true, 20, 39)[..4],
            [
                "total                    63 % 2 of 8",
                "img-o3ycss2p ap-tokyo    50 % SYNCING",
                "img-镜像… eu-frankfurt   60 % SYNCING",
                "img-镜像镜… ap-beijing  100 % copied",
            ]
        );
    }

    #[test]
    fn one_destination_needs_no_total() {
        let mut board = Board::new(1, false, false);
        assert!(board.lay_out(Instant::now(), 20, 80).is_empty());
        board.copying("img-1", "ap-beijing", "\u{955c}\u{50cf}".repeat(30).as_str(), 200, Duration::ZERO);
        let lines = board.lay_out(board.began, 20, 60);
        assert_eq!(lines.len(), 1);
        assert!(lines[0].width() <= 60 && lines[0].ends_with('…'), "{lines:?}");
    }
}
