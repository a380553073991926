//! Starting other programs.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// A `cargo` command in the workspace's root: the very cargo that runs this program.
pub(crate) fn cargo<S: AsRef<OsStr>>(root: &Path, args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).args(args);
    command
}

/// Runs a command to its end, its output going straight through.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let shown = shown(command);
    let status = command.status().map_err(|error| format!("cannot start `{shown}`: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}` failed ({status})")) }
}

/// Runs a command to its end and hands back what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let shown = shown(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cannot start `{shown}`: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{shown}` failed ({})", output.status));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{shown}` printed text that is not UTF-8"))
}

/// Runs a command to its end, printing each line as it comes and showing it to `look` too. `Ok(false)` if the command
/// failed.
pub(crate) fn watch(command: &mut Command, mut look: impl FnMut(&str)) -> Result<bool, String> {
    let shown = shown(command);
    let mut child =
        command.stdout(Stdio::piped()).spawn().map_err(|error| format!("cannot start `{shown}`: {error}"))?;
    let stdout = child.stdout.take().ok_or("a child without the pipe it was given")?;
    let mut reader = BufReader::new(stdout);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).map_err(|error| format!("`{shown}`: {error}"))?;
        if read == 0 {
            break;
        }
        // Where nobody reads on, the command still has to run to its end.
        let _ = std::io::stdout().write_all(&line);
        look(&String::from_utf8_lossy(&line));
    }
    let status = child.wait().map_err(|error| format!("`{shown}`: {error}"))?;
    Ok(status.success())
}

/// A command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_stem().unwrap_or(command.get_program());
    let mut text = name.to_string_lossy().into_owned();
    for arg in command.get_args() {
        text.push(' ');
        text.push_str(&arg.to_string_lossy());
    }
    text
}
