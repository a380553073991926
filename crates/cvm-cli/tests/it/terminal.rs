//! `cvm sync` in a terminal: what its user sees on the screen.

use std::io::{Read, Write};
use std::process;

use cvm_local::{Clock, CvmLocal, Fault, Seed, SeedImage};
use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use unicode_width::UnicodeWidthStr;

use crate::command::{Folder, at};

const REGIONS: [&str; 3] = ["ap-guangzhou", "ap-beijing", "ap-chengdu"];

/// The program in a terminal, and what is on its screen.
struct Shown {
    child: process::Child,
    terminal: Pty,
    screen: vt100::Parser,
    columns: u16,
}

impl Shown {
    /// Runs it in a terminal with so many rows and columns.
    fn in_a_terminal(command: &process::Command, rows: u16, columns: u16) -> Self {
        let (terminal, shown) = open().unwrap();
        terminal.resize(Size::new(rows, columns)).unwrap();
        let mut program = Command::new(command.get_program()).args(command.get_args()).env("TERM", "xterm");
        for (name, value) in command.get_envs() {
            program = match value {
                Some(value) => program.env(name, value),
                None => program.env_remove(name),
            };
        }
        let child = program.spawn(shown).unwrap();
        Self { child, terminal, screen: vt100::Parser::new(rows, columns, 0), columns }
    }

    /// Up to a screen with a bar for each region.
    fn with_bars(command: &process::Command, columns: u16) -> Self {
        let mut shown = Self::in_a_terminal(command, 40, columns);
        shown.read_until(|rows| REGIONS.iter().all(|region| bars(rows, region) == 1));
        shown
    }

    /// Reads on to a screen like this.
    fn read_until(&mut self, is_wanted: impl Fn(&[String]) -> bool) {
        while !is_wanted(&self.rows()) {
            assert!(self.read(), "it ended before:\n{}", self.rows().join("\n"));
        }
    }

    /// Reads on; `false` at the end.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        // That the program has ended is an error on Linux.
        let read = self.terminal.read(&mut buffer).unwrap_or(0);
        // A terminal that is cleared from its first row moves what stood there to where one scrolls back.
        for part in buffer[..read].split_inclusive(|&byte| byte == b'J') {
            if part.ends_with(b"\x1b[J") || part.ends_with(b"\x1b[0J") {
                let before = part.len() - part.iter().rev().position(|&byte| byte == 0x1b).unwrap() - 1;
                self.screen.process(&part[..before]);
                assert_ne!(self.screen.screen().cursor_position(), (0, 0), "all of the screen is cleared");
                self.screen.process(&part[before..]);
            } else {
                self.screen.process(part);
            }
        }
        read > 0
    }

    /// Makes the terminal wider or narrower, as one does that cuts what no longer fits.
    fn resize(&mut self, rows: u16, columns: u16) {
        self.screen.screen_mut().set_size(rows, columns);
        self.columns = columns;
        self.terminal.resize(Size::new(rows, columns)).unwrap();
    }

    fn rows(&self) -> Vec<String> {
        self.screen.screen().rows(0, self.columns).collect()
    }

    /// The last screen, and the exit code.
    fn end(mut self) -> (Vec<String>, Option<i32>) {
        while self.read() {}
        (self.rows(), self.child.wait().unwrap().code())
    }
}

/// A job whose clock stands still, so that its bars do until a signal.
fn job(test: &str) -> (process::Command, CvmLocal, Folder) {
    to_regions(test, &["img-o3ycss2p"], &REGIONS)
}

fn to_regions(test: &str, images: &[&str], regions: &[&str]) -> (process::Command, CvmLocal, Folder) {
    let mut seed = Seed::default();
    let named = SeedImage::new("img-0000abcd", "ap-shanghai", "生产环境镜像·甲");
    seed.accounts[0].images.push(named);
    let local = CvmLocal::builder().seed(seed).clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new(test);
    let mut command = at(&local, &[&["sync"], images, &["--to", &regions.join(",")]].concat());
    command.env("XDG_STATE_HOME", &folder.0);
    (command, local, folder)
}

/// How many rows begin a bar of this region, or another.
fn bars(rows: &[String], label: &str) -> usize {
    rows.iter().filter(|row| row.starts_with(label) && row.contains('░')).count()
}

#[test]
fn ctrl_c_leaves_each_bar_there_once_and_says_what_happens() {
    // A bar takes 67 columns: it is narrower than the terminal, just as wide, and wider.
    std::thread::scope(|scope| {
        for columns in [90, 69, 67, 60] {
            scope.spawn(move || in_a_terminal_so_wide(columns));
        }
    });
}

fn in_a_terminal_so_wide(columns: u16) {
    let (command, _local, _folder) = job(&format!("bars-{columns}"));
    let mut shown = Shown::with_bars(&command, columns);
    shown.terminal.write_all(b"\x03").unwrap();
    let (rows, code) = shown.end();
    let shown = format!("{columns} columns:\n{}", rows.join("\n"));
    assert_eq!(code, Some(130), "{shown}");
    for region in REGIONS {
        assert_eq!(bars(&rows, region), 1, "{shown}");
    }
    for said in ["cvm: stopping", "IMAGE ", "cvm: interrupted", "cvm: resume it with: cvm sync"] {
        assert_eq!(rows.iter().filter(|row| row.starts_with(said)).count(), 1, "{said}: {shown}");
    }
    let at = |text| rows.iter().position(|row| row.starts_with(text)).unwrap();
    assert!(at("cvm: stopping") < at("ap-guangzhou") && at("ap-guangzhou") < at("IMAGE "), "{shown}");
}

#[test]
fn a_terminal_that_goes_away_hangs_up() {
    let (command, _local, _folder) = job("gone");
    let Shown { mut child, terminal, .. } = Shown::with_bars(&command, 80);
    drop(terminal);
    assert_eq!(child.wait().unwrap().code(), Some(129), "also where nothing can be written any more");
}

/// Twelve regions, all in one screen or not.
const MANY: [&str; 12] = [
    "ap-guangzhou",
    "ap-beijing",
    "ap-chengdu",
    "ap-tokyo",
    "ap-seoul",
    "ap-nanjing",
    "ap-bangkok",
    "ap-singapore",
    "ap-hongkong",
    "na-ashburn",
    "na-siliconvalley",
    "eu-frankfurt",
];

#[test]
fn bars_fit_every_terminal_and_say_how_many_more_there_are() {
    std::thread::scope(|scope| {
        for (rows, columns) in [(24, 40), (9, 40), (8, 80), (24, 200), (14, 57), (4, 41)] {
            scope.spawn(move || {
                let (command, _local, _folder) =
                    to_regions(&format!("fit-{rows}-{columns}"), &["img-o3ycss2p"], &MANY);
                let mut shown = Shown::in_a_terminal(&command, rows, columns);
                // The row below the bars is free, one is the total's, and one says how many have no room.
                let room = usize::from(rows) - 2;
                let hidden = if room < MANY.len() { MANY.len() - (room - 1) } else { 0 };
                let more = format!("{hidden} more: {hidden} SYNCING");
                let shown_bars =
                    |rows: &[String]| MANY.iter().map(|region| bars(rows, region)).sum::<usize>();
                shown.read_until(|rows| {
                    shown_bars(rows) == MANY.len() - hidden
                        && (hidden == 0 || rows.iter().any(|row| row.starts_with(&more)))
                });
                let rows = shown.rows();
                let total = rows.iter().position(|row| row.starts_with("total ")).unwrap();
                assert!(
                    rows[total].contains(if columns < 50 { "0 of 12" } else { "0 of 12 done" }),
                    "{rows:?}"
                );
                let below = &rows[total + 1..];
                // A bar that is wrapped would have a row more.
                let is_known = |row: &String| {
                    MANY.iter().any(|region| row.starts_with(region)) || row.starts_with(&more)
                };
                let count = below.iter().take_while(|row| is_known(row)).count();
                assert_eq!(count, MANY.len() - hidden + usize::from(hidden > 0), "{rows:?}");
                assert!(below[count..].iter().all(String::is_empty), "{rows:?}");
            });
        }
    });
}

#[test]
fn nothing_is_doubled_by_a_resize() {
    let (command, _local, _folder) = job("resized");
    let mut shown = Shown::with_bars(&command, 90);
    // Each is drawn anew: the total's row tells the widths apart.
    for (rows, columns) in [(40, 50), (40, 120), (10, 40), (24, 200), (24, 39), (30, 80)] {
        let before: Vec<String> = shown.rows().into_iter().filter(|row| row.starts_with("total")).collect();
        shown.resize(rows, columns);
        shown.read_until(|rows| {
            let totals: Vec<&String> = rows.iter().filter(|row| row.starts_with("total")).collect();
            // The clock alone changes but a few letters.
            totals.len() == 1 && totals[0].width() != before[0].width()
        });
        let rows = shown.rows();
        for label in REGIONS {
            assert_eq!(bars(&rows, label), 1, "{columns} columns:\n{}", rows.join("\n"));
        }
        let strange = rows.iter().filter(|row| row.contains('░') || row.contains('%'));
        assert_eq!(strange.count(), 1 + REGIONS.len(), "{columns} columns:\n{}", rows.join("\n"));
    }
    shown.terminal.write_all(b"\x03").unwrap();
    let (rows, code) = shown.end();
    assert_eq!(code, Some(130));
    for label in REGIONS {
        assert_eq!(bars(&rows, label), 1, "{}", rows.join("\n"));
    }
}

#[test]
fn the_screen_of_a_job_from_its_first_bar_to_its_report() {
    let (command, local, _folder) = to_regions("screen", &["img-0000abcd"], &REGIONS);
    let mut shown = Shown::in_a_terminal(&command, 30, 84);
    shown.read_until(|rows| REGIONS.iter().all(|region| bars(rows, region) == 1));
    local.advance(std::time::Duration::from_secs(3600));
    let (rows, code) = shown.end();
    // What differs from run to run: ids, and how long it took.
    let mut rows: Vec<String> = rows.iter().map(|row| masked(row)).collect();
    rows.retain(|row| !row.is_empty());
    assert_eq!(code, Some(0), "{rows:#?}");
    assert_eq!(rows[0], "img-x: found, 生产环境镜像·甲, 20 GiB");
    assert!(
        rows[1].starts_with("img-x: accepted for ap-guangzhou, ap-beijing, ap-chengdu (request id"),
        "{rows:#?}"
    );
    let bars: Vec<&String> = rows.iter().filter(|row| row.contains('█')).collect();
    let full = "█".repeat(30);
    assert_eq!(*bars[0], format!("total        {full} 100 % TIME 3 of 3 done"));
    for (bar, region) in bars[1..].iter().zip(["ap-guangzhou", "ap-beijing  ", "ap-chengdu  "]) {
        assert!(
            bar.starts_with("ap-") && bar.ends_with(&format!("{full} 100 % TIME copied")),
            "{region}: {rows:#?}"
        );
    }
    assert_eq!(bars.len(), 4);
    let report = rows.iter().position(|row| row.starts_with("IMAGE ")).unwrap();
    let headings: Vec<&str> = rows[report].split_whitespace().collect();
    assert_eq!(headings, ["IMAGE", "REGION", "OUTCOME", "BASIS", "COPY", "TIME"]);
    assert_eq!(rows[report + 4], "3 copied");
    assert_eq!(rows.len(), report + 5, "{rows:#?}");
}

#[test]
fn a_job_that_was_stopped_draws_its_bars_anew_below_what_a_shell_wrote() {
    let (command, _local, _folder) = job("stopped");
    let mut shown = Shown::with_bars(&command, 80);
    let signal = |name: &str, shown: &Shown| {
        let kill = format!("kill -{name} {}", shown.child.id());
        assert!(process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    };
    signal("STOP", &shown);
    // What a shell would write: the terminal shows what is typed, behind all that the program has written.
    shown.terminal.write_all(b"[1]+  Stopped\n$ fg\n").unwrap();
    shown.read_until(|rows| rows.iter().any(|row| row.starts_with("$ fg")));
    signal("CONT", &shown);
    shown.read_until(|rows| rows.iter().filter(|row| row.starts_with("total ")).count() == 2);
    let rows = shown.rows();
    let shell = rows.iter().position(|row| row.starts_with("$ fg")).unwrap_or_else(|| panic!("{rows:#?}"));
    assert!(rows[shell - 1].starts_with("[1]+  Stopped"), "{rows:#?}");
    shown.read_until(|rows| REGIONS.iter().all(|region| bars(&rows[shell..], region) == 1));
    let below: Vec<String> = shown.rows().split_off(shell + 1);
    assert!(below[0].starts_with("total "), "{below:#?}");
    assert_eq!(below.iter().filter(|row| row.contains('░')).count(), 1 + REGIONS.len(), "{below:#?}");
    shown.terminal.write_all(b"\x03").unwrap();
    assert_eq!(shown.end().1, Some(130));
}

#[test]
fn what_failed_stands_last_and_is_counted() {
    std::thread::scope(|scope| {
        for columns in [40, 80, 200] {
            scope.spawn(move || with_a_failure(columns));
        }
    });
}

fn with_a_failure(columns: u16) {
    let (command, local, _folder) = job(&format!("failed-last-{columns}"));
    local.faults().push(Fault::copy_fails().in_region(REGIONS[0])).unwrap();
    let mut shown = Shown::in_a_terminal(&command, 40, columns);
    shown.read_until(|rows| REGIONS.iter().all(|region| bars(rows, region) == 1));
    local.advance(std::time::Duration::from_secs(3600));
    let (rows, code) = shown.end();
    let screen = rows.join("\n");
    assert_eq!(code, Some(3), "{screen}");
    let at = |begins: &str, ends: &str| {
        let found = rows.iter().position(|row| row.starts_with(begins) && row.ends_with(ends));
        found.unwrap_or_else(|| panic!("{begins} .. {ends}:\n{screen}"))
    };
    let total = at("total ", if columns == 40 { "2 of 3" } else { "2 of 3 done, 1 failed" });
    assert_eq!(at(REGIONS[0], "failed"), total + 3, "{screen}");
    assert_eq!(at("2 copied, 1 failed", ""), total + 9, "{screen}");
}

/// Without ids and times.
fn masked(row: &str) -> String {
    let words = row.split(' ').map(|word| {
        let is_time = word.ends_with('s')
            && word.len() > 1
            && word[..word.len() - 1].bytes().all(|b| b.is_ascii_digit());
        let (image, rest) = word.split_at(if word.starts_with("img-") { 12.min(word.len()) } else { 0 });
        if is_time {
            "TIME".into()
        } else if image.is_empty() {
            word.to_owned()
        } else {
            format!("img-x{rest}")
        }
    });
    let text = words.collect::<Vec<_>>().join(" ");
    text.replace("    TIME", "TIME").replace("     TIME", "TIME").trim_end().to_owned()
}

#[test]
fn wide_names_shift_no_column() {
    for columns in [40, 60, 80, 200] {
        let (_, local, _folder) = job(&format!("wide-names-{columns}"));
        let command = at(&local, &["images", "--type", "any"]);
        let (rows, code) = Shown::in_a_terminal(&command, 40, columns).end();
        assert_eq!(code, Some(0));
        let rows: Vec<&String> = rows.iter().filter(|row| !row.is_empty()).collect();
        let heading = rows[0].find("STATE").unwrap_or_else(|| panic!("{rows:#?}"));
        let images: Vec<&&String> = rows.iter().filter(|row| row.starts_with("img-")).collect();
        assert!(images.iter().any(|row| row.contains("生")) && images.len() > 3, "{rows:#?}");
        for row in images {
            // The state begins below its heading, after the space between columns.
            let mut cells = 0;
            let state: String = row
                .chars()
                .skip_while(|c| {
                    cells += c.to_string().width();
                    cells <= heading
                })
                .collect();
            assert!(state.starts_with(|c: char| c.is_ascii_uppercase()), "{columns} columns: {rows:#?}");
            assert!(row[..row.len() - state.len()].ends_with("  "), "{columns} columns: {rows:#?}");
            assert!(row.width() <= columns.into(), "{row}");
        }
    }
}

#[test]
fn a_second_ctrl_c_says_that_it_ends_at_once() {
    use crate::hanging::Hanging;

    let (_, local, folder) = job("second-ctrl-c");
    let way = Hanging::at(&local, "SyncImages");
    let mut command = way.command(&local, &["sync", "img-o3ycss2p", "--to", "ap-beijing"]);
    command.env("XDG_STATE_HOME", &folder.0);
    let mut shown = Shown::in_a_terminal(&command, 24, 80);
    way.wait();
    shown.terminal.write_all(b"\x03").unwrap();
    shown.read_until(|rows| rows.iter().any(|row| row.contains("cvm: stopping")));
    shown.terminal.write_all(b"\x03").unwrap();
    let (rows, code) = shown.end();
    assert_eq!(code, Some(130));
    assert!(rows.iter().any(|row| row.starts_with("cvm: stopped at once by a second signal")), "{rows:#?}");
}
