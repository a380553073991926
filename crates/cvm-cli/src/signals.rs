//! The signals that ask the command to end: an interrupt (Ctrl-C), a request to terminate, a hang-up.

use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use crate::exit::Exit;
use crate::failure::Failure;

/// Signals that come so soon after the first are the same one again: `timeout` sends each twice, and others pass on what
/// a terminal has sent to all of its processes.
const DUPLICATE_WINDOW: Duration = Duration::from_millis(50);

/// How long a line may take to be written. A terminal that is stopped, or a pipe that nobody reads, holds nothing up.
const TELL_WITHIN: Duration = Duration::from_millis(250);

/// A signal that asks the program to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(unix), allow(dead_code))]
pub(crate) enum Signal {
    /// Ctrl-C.
    Interrupt,
    Terminate,
    /// The terminal is gone.
    HangUp,
}

impl Signal {
    /// What shells report for it.
    pub(crate) fn exit(self) -> Exit {
        match self {
            Self::Interrupt => Exit::Interrupted,
            Self::Terminate => Exit::Terminated,
            Self::HangUp => Exit::HungUp,
        }
    }

    /// What it did to the program.
    pub(crate) fn participle(self) -> &'static str {
        match self {
            Self::Interrupt => "interrupted",
            Self::Terminate => "terminated",
            Self::HangUp => "hung up",
        }
    }
}

/// What has arrived since [`listen`].
pub(crate) struct Signals {
    first: Arc<OnceLock<Signal>>,
    told: Receiver<()>,
}

impl Signals {
    /// The first signal, if there was any. What is to be told of it has been told.
    pub(crate) fn first(&self) -> Option<Signal> {
        let first = *self.first.get()?;
        // Closed, or late: there is nothing to wait for any more.
        let _ = self.told.recv_timeout(DUPLICATE_WINDOW + TELL_WITHIN);
        Some(first)
    }

    /// Waits for the first signal.
    pub(crate) fn wait(&self) {
        self.first.wait();
    }
}

/// Lets the program end in order: the first signal runs `begin_to_end`, and is told of if there is something to tell.
/// The second ends the program at once, with the code of the first, after the `last_words`. A signal that is ignored stays
/// ignored.
pub(crate) fn listen(
    begin_to_end: impl FnOnce() + Send + 'static,
    tell: impl Fn(&[String]) + Clone + Send + 'static,
    stopping: Option<&'static str>,
    last_words: impl Fn() -> Vec<String> + Send + 'static,
) -> Result<Signals, Failure> {
    let first = Arc::new(OnceLock::new());
    let (done, told) = mpsc::channel();
    let mut begin_to_end = Some(begin_to_end);
    let signals = Signals { first: Arc::clone(&first), told };
    system::listen(move |arrived, wait_for_echo| {
        let Some(begin_to_end) = begin_to_end.take() else {
            let first: Signal = *first.get().unwrap_or(&arrived);
            let stopped = "cvm: stopped at once by a second signal".to_owned();
            tell_within(&tell, std::iter::once(stopped).chain(last_words()).collect());
            std::process::exit(first.exit() as i32);
        };
        // Nobody else sets it.
        let _ = first.set(arrived);
        begin_to_end();
        wait_for_echo();
        if let Some(stopping) = stopping {
            tell_within(&tell, vec![stopping.into()]);
        }
        // Nobody may be waiting.
        let _ = done.send(());
    })?;
    Ok(signals)
}

/// Tells in a thread of its own, which may be held up: signals are listened for all the same.
fn tell_within(tell: &(impl Fn(&[String]) + Clone + Send + 'static), lines: Vec<String>) {
    let (tell, (done, told)) = (tell.clone(), mpsc::channel());
    let teller = thread::Builder::new().spawn(move || {
        tell(&lines);
        let _ = done.send(());
    });
    if teller.is_ok() {
        let _ = told.recv_timeout(TELL_WITHIN);
    }
}

#[cfg(unix)]
mod system {
    use std::process::Command;
    use std::{fs, process, thread};

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    use super::{DUPLICATE_WINDOW, Signal};
    use crate::failure::Failure;

    const ALL: [(i32, Signal); 3] =
        [(SIGINT, Signal::Interrupt), (SIGTERM, Signal::Terminate), (SIGHUP, Signal::HangUp)];

    /// Calls `arrived` in a thread of its own with each signal, and with what waits for the echo of one to pass.
    pub(super) fn listen(
        mut arrived: impl FnMut(Signal, &mut dyn FnMut()) + Send + 'static,
    ) -> Result<(), Failure> {
        let ignored = ignored();
        let wanted: Vec<i32> = ALL
            .into_iter()
            .map(|(number, _)| number)
            .filter(|number| ignored >> (number - 1) & 1 == 0)
            .collect();
        let failed = |error| Failure::other(format!("cannot listen for signals: {error}"));
        let mut signals = Signals::new(wanted).map_err(failed)?;
        let listen = move || {
            loop {
                // Several may be pending at once: they are one and its echo.
                let Some(number) = signals.wait().next() else { continue };
                let signal = ALL.iter().find(|(known, _)| *known == number).map(|(_, signal)| *signal);
                let mut wait_for_echo = || {
                    thread::sleep(DUPLICATE_WINDOW);
                    signals.pending().for_each(drop);
                };
                if let Some(signal) = signal {
                    arrived(signal, &mut wait_for_echo);
                }
            }
        };
        thread::Builder::new().name("cvm-signals".into()).spawn(listen).map_err(failed)?;
        Ok(())
    }

    /// The signals that are ignored, from bit 0 for signal 1 upwards: `nohup` ignores the hang-up, and a shell the
    /// interrupts of what it runs in the background.
    ///
    /// Only unsafe code can ask the system itself. Linux has it in a file, and everybody's `ps` shows it.
    fn ignored() -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).map(str::to_owned);
        mask.or_else(ps).and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
    }

    fn ps() -> Option<String> {
        let pid = process::id().to_string();
        let ps = Command::new("ps").args(["-o", "ignored=", "-p", &pid]).output().ok()?;
        String::from_utf8(ps.stdout).ok()
    }

    #[cfg(test)]
    mod tests {
        #[test]
        fn everybodys_ps_shows_what_is_ignored() {
            let Some(mask) = super::ps().filter(|mask| !mask.trim().is_empty()) else {
                // There is no ps here, and it is not needed.
                return;
            };
            assert_eq!(u64::from_str_radix(mask.trim(), 16).unwrap(), super::ignored());
        }
    }
}

#[cfg(not(unix))]
mod system {
    use super::{DUPLICATE_WINDOW, Signal};
    use crate::failure::Failure;

    /// Calls `arrived` in a thread of its own with each interrupt: Ctrl-C, Ctrl-Break, a console that is closed.
    pub(super) fn listen(
        mut arrived: impl FnMut(Signal, &mut dyn FnMut()) + Send + 'static,
    ) -> Result<(), Failure> {
        ctrlc::set_handler(move || arrived(Signal::Interrupt, &mut || std::thread::sleep(DUPLICATE_WINDOW)))
            .map_err(|error| Failure::other(format!("cannot listen for interrupts: {error}")))
    }
}
