//! `cvm sync` in a terminal: what its user sees on the screen.

use std::io::{Read, Write};
use std::process;

use cvm_local::{Clock, CvmLocal};
use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};

use crate::command::{Folder, at};

const ROWS: u16 = 40;

const REGIONS: [&str; 3] = ["ap-guangzhou", "ap-beijing", "ap-chengdu"];

/// The program in a terminal, and what is on its screen.
struct Shown {
    child: process::Child,
    terminal: Pty,
    screen: vt100::Parser,
    columns: u16,
}

impl Shown {
    /// Runs it in a terminal so wide, up to a screen with a bar for each region.
    fn with_bars(command: &process::Command, columns: u16) -> Self {
        let (terminal, shown) = open().unwrap();
        terminal.resize(Size::new(ROWS, columns)).unwrap();
        let mut program = Command::new(command.get_program()).args(command.get_args()).env("TERM", "xterm");
        for (name, value) in command.get_envs() {
            program = match value {
                Some(value) => program.env(name, value),
                None => program.env_remove(name),
            };
        }
        let child = program.spawn(shown).unwrap();
        let mut shown = Self { child, terminal, screen: vt100::Parser::new(ROWS, columns, 0), columns };
        while !REGIONS.iter().all(|region| bars(&shown.rows(), region) == 1) {
            assert!(shown.read(), "it ended without bars:\n{}", shown.rows().join("\n"));
        }
        shown
    }

    /// Reads on; `false` at the end.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        // That the program has ended is an error on Linux.
        let read = self.terminal.read(&mut buffer).unwrap_or(0);
        self.screen.process(&buffer[..read]);
        read > 0
    }

    fn rows(&self) -> Vec<String> {
        self.screen.screen().rows(0, self.columns).collect()
    }
}

/// A job whose clock stands still, so that its bars do until a signal.
fn job(test: &str) -> (process::Command, CvmLocal, Folder) {
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    let folder = Folder::new(test);
    let mut command = at(&local, &["sync", "img-o3ycss2p", "--to", &REGIONS.join(",")]);
    command.env("XDG_STATE_HOME", &folder.0);
    (command, local, folder)
}

/// How many rows begin a bar of this region.
fn bars(rows: &[String], region: &str) -> usize {
    rows.iter().filter(|row| row.starts_with(region) && row.contains('░')).count()
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
    while shown.read() {}
    let (rows, code) = (shown.rows(), shown.child.wait().unwrap().code());
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
