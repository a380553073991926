//! Logs on stderr. Only our own crates are heard: what an HTTP library logs may hold a secret.

use std::io::{self, Write};

use cvm_proto::output;
use tracing::Level;
use tracing::subscriber::set_global_default;

use crate::args::{LocalArgs, LogFormat, LogLevel};

/// Shows what the client does, more of it the more often it is asked for.
pub(crate) fn client(verbose: u8) {
    match verbose {
        0 => {}
        1 => start(Level::DEBUG, LogFormat::Text),
        _ => start(Level::TRACE, LogFormat::Text),
    }
}

/// Shows what the endpoint is asked.
pub(crate) fn requests(args: &LocalArgs) {
    let level = match args.log_level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
    };
    start(level, args.log.unwrap_or(LogFormat::Text));
}

fn start(level: Level, format: LogFormat) {
    let builder = tracing_subscriber::fmt()
        // Where stderr is gone, there is nobody to tell.
        .log_internal_errors(false)
        .with_max_level(level)
        .with_writer(move || OneLine { format })
        .with_ansi(false);
    // It can only fail where another one is set, and this is the one place that sets one.
    let _ = match format {
        LogFormat::Text => set_global_default(builder.finish()),
        LogFormat::Json => set_global_default(builder.json().flatten_event(true).finish()),
    };
}

/// Stderr, where each event takes one line, whatever others wrote into it.
struct OneLine {
    format: LogFormat,
}

impl Write for OneLine {
    /// Takes an event whole, as the subscriber writes it.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let line = match self.format {
            LogFormat::Text => output::escaped(text),
            LogFormat::Json => output::json(text),
        };
        writeln!(io::stderr().lock(), "{line}")?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
