//! `--help` of every command, as wide as its terminal.

use crate::command::{Ran, cvm};

/// The help of the command and of each command below it, for a terminal so wide; without a width, as in a pipe.
pub(crate) fn of_every_command(columns: Option<usize>) -> Vec<(String, String)> {
    let mut pages = Vec::new();
    below(&mut Vec::new(), columns, &mut pages);
    pages
}

fn below(command: &mut Vec<String>, columns: Option<usize>, pages: &mut Vec<(String, String)>) {
    let mut asked = cvm(&[]);
    asked.args(&*command).arg("--help").env_remove("COLUMNS");
    asked.envs(columns.map(|columns| ("COLUMNS", columns.to_string())));
    let help = Ran::from(asked.output().unwrap()).ended_with(0).out;
    let names: Vec<String> =
        under(&help, "Commands:").map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    pages.push((
        ["cvm"].into_iter().chain(command.iter().map(String::as_str)).collect::<Vec<_>>().join(" "),
        help,
    ));
    for name in names.into_iter().filter(|name| name != "help") {
        command.push(name);
        below(command, columns, pages);
        command.pop();
    }
}

/// The indented lines below a heading. What goes on in the next line is indented deeper.
pub(crate) fn under<'a>(help: &'a str, heading: &str) -> impl Iterator<Item = &'a str> {
    let lines = help.lines().skip_while(move |line| *line != heading).skip(1);
    lines.take_while(|line| line.starts_with("  ")).filter(|line| !line.starts_with("   ")).map(str::trim)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[test]
fn help_is_wrapped_once() {
    for columns in [Some(80), Some(100), Some(120), Some(300), None] {
        // A pipe has none; in a wide terminal, lines that long are hard to read.
        let width = columns.unwrap_or(100).min(120);
        for (command, help) in of_every_command(columns) {
            let lines: Vec<&str> = help.lines().collect();
            for line in &lines {
                assert!(line.chars().count() <= width, "{command} at {columns:?}: {line}");
                assert_eq!(line.trim_end(), *line, "{command} at {columns:?}: long help, with gaps in it");
            }
            for pair in lines.windows(2).filter(|pair| pair.iter().all(|line| !line.trim().is_empty())) {
                // What begins with a heading, or is laid out, is broken where its author wanted.
                let is_prose = indent(pair[0]) == 0 && indent(pair[1]) == 0;
                let next = pair[1].split_whitespace().next().unwrap();
                let would_fit = pair[0].chars().count() + 1 + next.chars().count() <= width;
                assert!(!is_prose || !would_fit, "{command} at {columns:?}: broken before `{next}`:\n{help}");
            }
        }
    }
}

#[test]
fn what_is_laid_out_is_not_wrapped() {
    // As wide as nothing is.
    let wide = of_every_command(Some(300));
    for ((command, narrow), (_, wide)) in of_every_command(Some(80)).into_iter().zip(wide) {
        // After the options, which clap lays out for each width.
        let options = wide.find("\n  -q, --quiet").unwrap();
        let rest = wide[options..].split_once("\n\n").map_or("", |(_, rest)| rest);
        for line in rest.lines().filter(|line| indent(line) > 0) {
            assert!(narrow.lines().any(|narrow| narrow == line), "{command}: `{line}` is broken:\n{narrow}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_terminal_has_it_as_wide_as_it_is() {
    use std::io::Read;

    for columns in [80_u16, 120] {
        let (mut terminal, shown) = pty_process::blocking::open().unwrap();
        terminal.resize(pty_process::Size::new(200, columns)).unwrap();
        let program = pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_cvm"));
        let mut child = program.args(["sync", "--help"]).env_remove("COLUMNS").spawn(shown).unwrap();
        let mut screen = vt100::Parser::new(200, columns, 0);
        let mut buffer = [0; 4096];
        // A terminal whose program has ended is an error on some systems, and an end on others.
        while let Ok(read @ 1..) = terminal.read(&mut buffer) {
            screen.process(&buffer[..read]);
        }
        assert!(child.wait().unwrap().success());
        let screen = screen.screen().contents();
        let (_, expected) =
            of_every_command(Some(columns.into())).into_iter().find(|(of, _)| of == "cvm sync").unwrap();
        assert_eq!(screen.trim_end(), expected.trim_end(), "{columns}");
    }
}
