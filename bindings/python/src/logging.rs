//! What the crates log, handed to Python's `logging`: the loggers `cvm` and `cvm.http`.
//!
//! A program that has not imported `logging` pays for none of it, and one that has turned the loggers off pays for one
//! comparison. Only our own crates are heard: what an HTTP library logs may hold a secret.

use std::fmt::{self, Write as _};
use std::sync::Once;
use std::sync::atomic::{AtomicU8, Ordering};

use cvm_proto::Error;
use cvm_proto::output::escaped;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, set_global_default};
use tracing::{Event, Level, Metadata, Subscriber, warn};

use crate::finalization;

/// The level that Python's loggers take: a number of [`logging`](https://docs.python.org/3/library/logging.html#levels).
static LEVEL: AtomicU8 = AtomicU8::new(OFF);

const OFF: u8 = u8::MAX;
const DEBUG: u8 = 10;
const INFO: u8 = 20;
const WARNING: u8 = 30;

/// Looks up which level is wanted now. It is asked at the beginning of each call, where the interpreter is at hand.
pub(crate) fn refresh(py: Python<'_>) {
    // Logging that cannot be set up must not end a call.
    if let Ok(level) = wanted(py)
        && LEVEL.swap(level, Ordering::Relaxed) != level
    {
        static START: Once = Once::new();
        // Where another crate of this process has set one, ours stays silent.
        START.call_once(|| drop(set_global_default(Bridge)));
        tracing::callsite::rebuild_interest_cache();
    }
}

fn wanted(py: Python<'_>) -> PyResult<u8> {
    static LOGGERS: PyOnceLock<(Py<PyAny>, Py<PyAny>)> = PyOnceLock::new();
    static MODULES: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let (all, http) = if let Some(loggers) = LOGGERS.get(py) {
        loggers
    } else {
        let modules = MODULES.import(py, "sys", "modules")?;
        if !modules.contains("logging")? {
            return Ok(OFF);
        }
        let logging = py.import("logging")?;
        let all = logging.getattr("getLogger")?.call1(("cvm",))?;
        // A library's warnings are nobody's business where the program has set up no logging.
        all.call_method1("addHandler", (logging.getattr("NullHandler")?.call0()?,))?;
        let http = all.call_method1("getChild", ("http",))?;
        LOGGERS.get_or_init(py, || (all.unbind(), http.unbind()))
    };
    for (logger, level) in [(http, DEBUG), (http, INFO), (all, WARNING)] {
        if logger.bind(py).call_method1("isEnabledFor", (level,))?.is_truthy()? {
            return Ok(level);
        }
    }
    Ok(OFF)
}

/// Says that a call failed. The error holds no secret.
pub(crate) fn failed(error: &Error) {
    warn!(kind = error.kind().as_str(), attempts = error.attempts(), "{error}");
}

/// Hands events on; spans are not kept, as each event names its action and region.
struct Bridge;

impl Bridge {
    fn level(metadata: &Metadata<'_>) -> u8 {
        match *metadata.level() {
            Level::ERROR => 40,
            Level::WARN => WARNING,
            Level::INFO => INFO,
            _ => DEBUG,
        }
    }
}

impl Subscriber for Bridge {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // Whether an event would be wanted is asked as well, by what is neither event nor span.
        let ours = !metadata.is_span()
            && ["cvm_proto", "cvm_shell", "cvm_ureq", "cvm_reqwest", "_cvm"]
                .iter()
                .any(|name| metadata.target().starts_with(name));
        if ours { Interest::sometimes() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        Self::level(metadata) >= LEVEL.load(Ordering::Relaxed)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match LEVEL.load(Ordering::Relaxed) {
            OFF => LevelFilter::OFF,
            WARNING => LevelFilter::WARN,
            INFO => LevelFilter::INFO,
            _ => LevelFilter::DEBUG,
        })
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let is_http = ["cvm_proto::attempt", "cvm_shell::record"].contains(&event.metadata().target());
        let name = if is_http { "cvm.http" } else { "cvm" };
        let text = line.message + &line.fields;
        let text = escaped(&text);
        // Where the interpreter is ending there is nobody left to tell, and what a handler raises is its own affair.
        let _ = finalization::attach(|py| {
            let logger = py.import("logging")?.getattr("getLogger")?.call1((name,))?;
            logger.call_method1("log", (Self::level(event.metadata()), "%s", text)).map(drop)
        });
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// An event as one line: its message, then its fields.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let written = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
        written.expect("a string takes everything");
    }
}
