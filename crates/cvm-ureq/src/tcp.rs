//! A TCP connection with few system calls, whose waits can be interrupted.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::TcpStream;
use std::rc::Rc;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::time::Duration as Span;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, LazyBuffers, NextTimeout, Transport};
use ureq::{Error, Timeout};

use crate::interrupt::{Interrupt, POLL_EVERY};

/// The longest time for a connection; only settings without any other get there.
const MAX_CONNECT_TIME: Duration = Duration::from_secs(3600);

/// When a connection has to be there, TLS and proxy included.
pub(crate) fn end(details: &ConnectionDetails<'_>) -> Instant {
    let after =
        if details.timeout.after.is_not_happening() { MAX_CONNECT_TIME } else { *details.timeout.after };
    Instant::now() + after.min(MAX_CONNECT_TIME)
}

/// Connects to the host of an address, which need not be the one that the request is for.
pub(crate) fn connect(
    uri: &Uri,
    details: &ConnectionDetails<'_>,
    ends: Instant,
) -> Result<TcpTransport, Error> {
    let stream = match Interrupt::current() {
        None => dial(uri, details.config, ends, details.timeout)?,
        Some(interrupt) => dial_aside(&interrupt, uri, details, ends)?,
    };
    stream.set_nodelay(details.config.no_delay())?;
    let (input, output) = (details.config.input_buffer_size(), details.config.output_buffer_size());
    let buffers = LazyBuffers::new(input, output);
    Ok(TcpTransport { stream, buffers, read_timeout: None, write_timeout: None })
}

/// Connects in a thread of its own, since neither resolution nor connecting can be cut into slices. A thread that
/// nobody waits for any more ends with its timeout.
fn dial_aside(
    interrupt: &Interrupt,
    uri: &Uri,
    details: &ConnectionDetails<'_>,
    ends: Instant,
) -> Result<TcpStream, Error> {
    let (uri, config, reason) = (uri.clone(), details.config.clone(), details.timeout.reason);
    let slot = Arc::new((Mutex::new(None), Condvar::new()));
    let filled = Arc::clone(&slot);
    std::thread::Builder::new().name("cvm-connect".into()).spawn(move || {
        // Resolution takes as long as it takes here: nobody waits for it after the end.
        let for_ever = NextTimeout { after: Span::NotHappening, reason, ..NextTimeout::default() };
        let stream = dial(&uri, &config, ends, for_ever);
        *filled.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(stream);
        filled.1.notify_one();
    })?;
    let mut stream = slot.0.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if let Some(stream) = stream.take() {
            return stream;
        }
        if Instant::now() >= ends {
            return Err(Error::Timeout(reason));
        }
        interrupt.poll()?;
        (stream, _) = slot.1.wait_timeout(stream, POLL_EVERY).unwrap_or_else(PoisonError::into_inner);
    }
}

/// The addresses of a host. ureq resolves in a thread of its own where that has a timeout.
pub(crate) fn resolve(
    uri: &Uri,
    config: &Config,
    timeout: NextTimeout,
) -> Result<ResolvedSocketAddrs, Error> {
    DefaultResolver::default().resolve(uri, config, timeout).map_err(|error| match error {
        // The resolver's words differ from system to system.
        Error::Io(_) => Error::HostNotFound,
        error => error,
    })
}

/// Resolves and connects.
fn dial(uri: &Uri, config: &Config, ends: Instant, timeout: NextTimeout) -> Result<TcpStream, Error> {
    let addresses = resolve(uri, config, timeout)?;
    let mut failed = None;
    for (at, address) in addresses.iter().enumerate() {
        let left = ends.saturating_duration_since(Instant::now());
        // Half of what is left for each address but the last, so that one that is silent does not use up all of it.
        let share = if at + 1 == addresses.len() { left } else { left / 2 };
        if share.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(address, share) {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = Some(error),
        }
    }
    Err(match failed {
        Some(error) if error.kind() != ErrorKind::TimedOut => Error::Io(error),
        _ => Error::Timeout(timeout.reason),
    })
}

/// An open connection.
pub(crate) struct TcpTransport {
    stream: TcpStream,
    buffers: LazyBuffers,
    /// What is set on the socket, so that it is set only where it differs.
    read_timeout: Option<Duration>,
    write_timeout: Option<Duration>,
}

/// How the waits for one read or write go on.
struct WaitDeadline {
    interrupt: Option<Rc<Interrupt>>,
    ends: Option<Instant>,
    reason: Timeout,
}

impl WaitDeadline {
    fn new(timeout: NextTimeout) -> Result<Self, Error> {
        let interrupt = Interrupt::current();
        interrupt.as_ref().map_or(Ok(()), |interrupt| interrupt.poll_at_times())?;
        let after = if timeout.after.is_not_happening() { None } else { Some(*timeout.after) };
        let ends = after.and_then(|after| Instant::now().checked_add(after));
        Ok(Self { interrupt, ends, reason: timeout.reason })
    }

    /// How long the socket may wait before it is asked again: mostly the same, so that it mostly has it already.
    fn slice(&self) -> Option<Duration> {
        let left = self.ends.map(|ends| ends.saturating_duration_since(Instant::now()));
        let most = self.interrupt.as_ref().map(|_| POLL_EVERY);
        left.map(coarse).into_iter().chain(most).min()
    }

    /// Judges an attempt that moved nothing: goes on, or says why not.
    fn after(&self, error: io::Error) -> Result<(), Error> {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
            _ => return Err(Error::Io(error)),
        }
        self.interrupt.as_ref().map_or(Ok(()), |interrupt| interrupt.poll())?;
        match self.ends {
            Some(ends) if Instant::now() >= ends => Err(Error::Timeout(self.reason)),
            _ => Ok(()),
        }
    }
}

/// A time rounded up by a sixteenth of itself at most, and to whole milliseconds: 30 s in steps of about a second.
fn coarse(left: Duration) -> Duration {
    let left = u64::try_from(left.as_micros().div_ceil(1000)).unwrap_or(u64::MAX).max(1);
    let step = 1 << left.ilog2().saturating_sub(4);
    Duration::from_millis(left.checked_next_multiple_of(step).unwrap_or(left))
}

impl Transport for TcpTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let deadline = WaitDeadline::new(timeout)?;
        let mut output = &self.buffers.output()[..amount];
        while !output.is_empty() {
            let slice = deadline.slice();
            if mem::replace(&mut self.write_timeout, slice) != slice {
                self.stream.set_write_timeout(slice)?;
            }
            match self.stream.write(output) {
                Ok(0) => return Err(Error::Io(ErrorKind::WriteZero.into())),
                Ok(written) => output = &output[written..],
                Err(error) => deadline.after(error)?,
            }
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let deadline = WaitDeadline::new(timeout)?;
        let input = self.buffers.input_append_buf();
        loop {
            let slice = deadline.slice();
            if mem::replace(&mut self.read_timeout, slice) != slice {
                self.stream.set_read_timeout(slice)?;
            }
            match self.stream.read(input) {
                Ok(amount) => {
                    self.buffers.input_appended(amount);
                    return Ok(amount > 0);
                }
                Err(error) => deadline.after(error)?,
            }
        }
    }

    fn is_open(&mut self) -> bool {
        // Nothing was asked for, so a connection that has something to read has been closed, or is of no use.
        let mut byte = [0];
        let silent = self.stream.set_nonblocking(true).is_ok()
            && matches!(self.stream.peek(&mut byte), Err(error) if error.kind() == ErrorKind::WouldBlock);
        silent && self.stream.set_nonblocking(false).is_ok()
    }
}

impl fmt::Debug for TcpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpTransport").field("peer", &self.stream.peer_addr().ok()).finish_non_exhaustive()
    }
}
