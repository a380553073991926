//! Sets up an endpoint and starts it, on a thread of its own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cvm_proto::{Credential, Endpoint};
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::http::HttpHandler;
use crate::http::server::{self, Transport};
#[cfg(feature = "tls")]
use crate::http::tls::Tls;
use crate::local::{CvmLocal, invalid};
use crate::request::skipped_checks::{Check, SkippedChecks};
use crate::seed::Seed;
use crate::service::Service;
use crate::state::State;
use crate::state_file::{StateFile, StateWriter};

/// Sets up an endpoint.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    seed: Seed,
    clock: Clock,
    port: u16,
    skipped_checks: SkippedChecks,
    #[cfg(feature = "tls")]
    tls: bool,
    state_file: Option<PathBuf>,
    read_timeout: Duration,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            seed: Seed::default(),
            clock: Clock::default(),
            port: 0,
            skipped_checks: SkippedChecks::default(),
            #[cfg(feature = "tls")]
            tls: false,
            state_file: None,
            read_timeout: Duration::from_secs(30),
        }
    }
}

impl Builder {
    /// What the endpoint starts with; [`Seed::default`] by default.
    pub fn seed(mut self, seed: Seed) -> Self {
        self.seed = seed;
        self
    }

    /// How its time passes; [`Clock::real`] by default.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The port on 127.0.0.1; 0, the default, takes a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Serves HTTPS in place of HTTP, with a certificate of a new authority for `127.0.0.1`, `::1`, `localhost` and
    /// `*.tencentcloudapi.com`. Clients have to trust [`CvmLocal::ca_pem`].
    ///
    /// Needs the crate's feature `tls`, which is on by default.
    #[cfg(feature = "tls")]
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Keeps images and issued credentials in a file. If it exists, the endpoint continues from there, and the seed in the
    /// file takes precedence over the builder's; else it is created, in a folder that must exist. No answer is sent before
    /// the change that it reports is on the disk, so whenever the process ends, the file holds the last change that a
    /// client has seen. One endpoint at a time may use it, whichever symbolic link leads to it; only its owner can read it.
    pub fn state_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.state_file = Some(file.into());
        self
    }

    /// Skips these checks; none by default.
    pub fn skip_checks(mut self, checks: impl IntoIterator<Item = Check>) -> Self {
        for check in checks {
            self.skipped_checks.set(check, true);
        }
        self
    }

    /// Whether more requests a second than the service allows are refused; on by default. Off is the same as skipping
    /// [`Check::Rates`].
    pub fn rate_limits(mut self, on: bool) -> Self {
        self.skipped_checks.set(Check::Rates, !on);
        self
    }

    /// How long a client may take to send the head of a request, counted from the end of the one before it, and then
    /// its body, before the connection is closed; 30 s each by default.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// Starts the endpoint. It accepts connections when this returns.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] with a sentence if the seed or the clock contradicts itself; else why the port
    /// cannot be listened on, the state file not be used, or a thread not be started.
    pub fn start(self) -> io::Result<CvmLocal> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)))?;
        listener.set_nonblocking(true)?;
        let (service, state_writer, credential) = self.service()?;
        let (transport, ca_pem) = self.transport()?;
        let scheme = if ca_pem.is_some() { "https" } else { "http" };
        let address = format!("{scheme}://{}", listener.local_addr()?);
        let endpoint = Endpoint::explicit(&address).map_err(io::Error::other)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let timers = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let handler = Arc::new(HttpHandler::new(Arc::clone(&service), state_writer, self.read_timeout));
        let thread = std::thread::Builder::new().name("cvm-local".into()).spawn(move || {
            let result =
                runtime.block_on(server::run(listener, handler, transport, self.read_timeout, stopped));
            // Ends the tasks that are left, and with them their connections and the writer of the state.
            drop(runtime);
            // The handle may be gone.
            let _ = end.send(result);
        })?;
        Ok(CvmLocal {
            service,
            ca_pem,
            address,
            endpoint,
            credential,
            timers,
            stop: Some(stop),
            ended,
            thread: Some(thread),
        })
    }

    /// What connections carry HTTP in, and the authority that clients have to trust.
    #[cfg_attr(not(feature = "tls"), allow(clippy::unused_self, clippy::unnecessary_wraps))]
    fn transport(&self) -> io::Result<(Transport, Option<String>)> {
        #[cfg(feature = "tls")]
        if self.tls {
            let tls = Tls::generate().map_err(io::Error::other)?;
            return Ok((Transport::Tls(tls.acceptor), Some(tls.ca_pem)));
        }
        Ok((Transport::Plain, None))
    }

    /// The service, from the state file or else the seed; and the writer of the file.
    fn service(&self) -> io::Result<(Arc<Service>, Option<StateWriter>, Credential)> {
        let Some(path) = &self.state_file else {
            let service = self.service_from(State::new(&self.seed).map_err(invalid)?)?;
            return Ok((service, None, credential(&self.seed).map_err(invalid)?));
        };
        let unusable = |error: io::Error| {
            let why = format!("the state file {} cannot be used: {error}", path.display());
            io::Error::new(error.kind(), why)
        };
        let file = StateFile::take(path).map_err(unusable)?;
        let (service, credential) = match file.read().map_err(unusable)? {
            None => {
                let service = self.service_from(State::new(&self.seed).map_err(invalid)?)?;
                (service, credential(&self.seed).map_err(invalid)?)
            }
            Some(snapshot) => {
                let unusable = |why: String| unusable(invalid(why));
                let service = self.service_from(State::restored(&snapshot).map_err(unusable)?)?;
                service.running_clock.resume(snapshot.time());
                let seed = snapshot.seed().map_err(unusable)?;
                (service, credential(&seed).map_err(unusable)?)
            }
        };
        let state_writer = StateWriter::start(file, Arc::clone(&service)).map_err(unusable)?;
        Ok((service, Some(state_writer), credential))
    }

    fn service_from(&self, state: State) -> io::Result<Arc<Service>> {
        Ok(Arc::new(Service::new(state, self.clock, self.skipped_checks).map_err(invalid)?))
    }
}

/// The first key of the first account that has one.
fn credential(seed: &Seed) -> Result<Credential, String> {
    let Some(key) = seed.accounts.iter().find_map(|account| account.keys.first()) else {
        return Err("the seed has no key: give an account one, or nobody can sign".into());
    };
    let credential = Credential::new(key.secret_id.as_str(), key.secret_key.as_str())
        .and_then(|credential| credential.with_token(key.token.clone().unwrap_or_default()));
    credential.map_err(|error| format!("the first key cannot be used: {error}"))
}
