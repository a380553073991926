//! The handle: starts an endpoint on a thread of its own, and stops it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use cvm_proto::Credential;
use cvm_proto::api::types::Image;
use tokio::sync::oneshot;

use crate::clock::{self, Clock};
use crate::fault::Faults;
use crate::http::HttpHandler;
use crate::http::server::{self, Stop};
use crate::http::tls::Tls;
use crate::request::skipped_checks::{Check, SkippedChecks};
use crate::request_log::RequestRecord;
use crate::seed::Seed;
use crate::service::Service;
use crate::state::{Snapshot, State};
use crate::state_file::{StateFile, StateWriter};

/// An endpoint that is running.
///
/// It has a thread of its own, so it can be used from plain tests and from async ones alike. Dropping it closes all
/// connections and ends the thread.
#[derive(Debug)]
pub struct CvmLocal {
    service: Arc<Service>,
    ca_pem: Option<String>,
    endpoint: String,
    credential: Credential,
    stop: Option<oneshot::Sender<Stop>>,
    ended: oneshot::Receiver<io::Result<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Sets up an endpoint.
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    seed: Seed,
    clock: Clock,
    port: u16,
    skipped_checks: SkippedChecks,
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
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Keeps images and issued credentials in a file. If there is one it is where the endpoint begins, and the seed of
    /// the file takes the place of the builder's; else it is made, in a folder that has to be there. No answer leaves
    /// before what it tells is on the disk, so whenever the process ends, the file holds the last change that a client was
    /// told of. It has one endpoint at a time, whichever symbolic link leads to it, and is for its owner alone.
    pub fn state_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.state_file = Some(file.into());
        self
    }

    /// Leaves these checks out; by default none is.
    pub fn skip_checks(mut self, checks: impl IntoIterator<Item = Check>) -> Self {
        for check in checks {
            self.skipped_checks.set(check, true);
        }
        self
    }

    /// Whether more requests a second than the service allows are refused; on by default. Off, it is
    /// [`Check::Rates`] that is left out.
    pub fn rate_limits(mut self, on: bool) -> Self {
        self.skipped_checks.set(Check::Rates, !on);
        self
    }

    /// How long a client may take to send the head of a request, counted from the end of the one before it, and then
    /// its body; 30 s each by default. Then the connection is closed.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// Starts the endpoint. It takes connections when this returns.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] with a sentence if the seed or the clock contradicts itself; else why the port
    /// cannot be listened on, the state file not be used, or a thread not be started.
    pub fn start(self) -> io::Result<CvmLocal> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)))?;
        listener.set_nonblocking(true)?;
        let scheme = if self.tls { "https" } else { "http" };
        let endpoint = format!("{scheme}://{}", listener.local_addr()?);
        let (service, state_writer, credential) = self.service()?;
        let tls = if self.tls { Some(Tls::generate().map_err(io::Error::other)?) } else { None };
        let (acceptor, ca_pem) = tls.map(|tls| (tls.acceptor, tls.ca_pem)).unzip();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let handler = Arc::new(HttpHandler::new(Arc::clone(&service), state_writer, self.read_timeout));
        let thread = std::thread::Builder::new().name("cvm-local".into()).spawn(move || {
            let result =
                runtime.block_on(server::run(listener, handler, acceptor, self.read_timeout, stopped));
            // Ends the tasks that are left, and with them their connections and the writer of the state.
            drop(runtime);
            // Nobody has to be there to hear it.
            let _ = end.send(result);
        })?;
        Ok(CvmLocal { service, ca_pem, endpoint, credential, stop: Some(stop), ended, thread: Some(thread) })
    }

    /// The service as the state file has it, or else the seed; and whoever keeps the file.
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
                service.ticker.resume(snapshot.time());
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

fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
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

impl CvmLocal {
    /// Starts an endpoint with the default seed, a real clock and a free port.
    ///
    /// # Errors
    ///
    /// Why no port can be listened on, or no thread be started.
    pub fn start() -> io::Result<Self> {
        Self::builder().start()
    }

    /// Sets up an endpoint.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Where it takes requests: `http://127.0.0.1:PORT`, or `https` with [`Builder::tls`].
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The certificate authority to trust, in PEM; `None` without [`Builder::tls`].
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// A credential that it accepts: the first key of the seed.
    pub fn credential(&self) -> Credential {
        self.credential.clone()
    }

    /// The secret id of [`credential`](Self::credential).
    pub fn secret_id(&self) -> &str {
        self.credential.secret_id()
    }

    /// The secret key of [`credential`](Self::credential); of use with this endpoint only.
    pub fn secret_key(&self) -> &str {
        self.credential.secret_key()
    }

    /// How its time passes.
    pub fn clock(&self) -> Clock {
        self.service.ticker.clock()
    }

    /// Lets time pass in another way. Image time goes on from where it is.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] if the clock's factor is none.
    pub fn set_clock(&self, clock: Clock) -> io::Result<()> {
        self.service.set_clock(clock).map_err(invalid)
    }

    /// What time it is by the image clock.
    pub fn image_time(&self) -> SystemTime {
        clock::system_time(self.service.ticker.now())
    }

    /// Sets the image clock, forward or back; it goes on from there at its own pace.
    pub fn set_image_time(&self, time: SystemTime) {
        self.service.set_time(clock::moment(time));
    }

    /// Moves the image clock forward, on top of its own pace.
    pub fn advance(&self, by: Duration) {
        self.service.advance(by);
    }

    /// What goes wrong on demand.
    pub fn faults(&self) -> &Faults {
        &self.service.faults
    }

    /// The last 10,000 requests, oldest first.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.service.request_log.read()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.service.request_log.clear();
    }

    /// The images of a region as the seed's first account sees them, newest first, and those that a fault still hides;
    /// none if there is no such region.
    pub fn images(&self, region: &str) -> Vec<Image> {
        let state = self.service.state();
        let Some(region) = state.resources.region_named(region) else { return Vec::new() };
        let views = state.resources.all_images(region, 0, self.service.ticker.now());
        // The view writes what the API's type reads; the tests hold the two together.
        views.filter_map(|view| serde_json::from_value(serde_json::to_value(view).ok()?).ok()).collect()
    }

    /// Goes back to the seed: images, issued credentials, faults, log, counted requests and ids. The clock and the
    /// connections go on.
    pub fn reset(&self) {
        // The seed was good when it started, and has not changed.
        let _ = self.service.reset();
    }

    /// Goes on with another seed, as if it had started with it. [`credential`](Self::credential) is still that of the
    /// first one.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] with a sentence if the seed contradicts itself; then nothing has changed.
    pub fn reseed(&self, seed: &Seed) -> io::Result<()> {
        self.service.reseed(seed).map_err(invalid)
    }

    /// Everything it remembers of images and credentials.
    ///
    /// # Errors
    ///
    /// Why it cannot be written as JSON.
    pub fn snapshot(&self) -> io::Result<Snapshot> {
        self.service.snapshot().map_err(io::Error::other)
    }

    /// Goes on with what a snapshot holds, and from its image time.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] with a sentence if it cannot be used; then nothing has changed.
    pub fn restore(&self, snapshot: &Snapshot) -> io::Result<()> {
        self.service.restore(snapshot).map_err(invalid)
    }

    /// Stops it gracefully: takes no more connections, and gives requests that are under way up to 5 s to end.
    ///
    /// # Errors
    ///
    /// Why it ended before, if it did.
    pub fn shutdown(mut self) -> io::Result<()> {
        self.end(Stop::Gracefully);
        self.ended.try_recv().unwrap_or(Ok(()))
    }

    /// Lets it run until `signal` is ready, then stops it as [`shutdown`](Self::shutdown) does. Returns early if it
    /// ends by itself.
    ///
    /// # Errors
    ///
    /// Why it ended by itself, if it did.
    pub async fn run_until(mut self, signal: impl Future<Output = ()>) -> io::Result<()> {
        let early = tokio::select! {
            () = signal => None,
            ended = &mut self.ended => Some(ended),
        };
        let ended = if let Some(ended) = early {
            ended
        } else {
            self.signal(Stop::Gracefully);
            (&mut self.ended).await
        };
        ended.unwrap_or(Ok(()))
    }

    fn signal(&mut self, how: Stop) {
        if let Some(stop) = self.stop.take() {
            // It fails if the server has ended already, and then there is nothing to stop.
            let _ = stop.send(how);
        }
    }

    fn end(&mut self, how: Stop) {
        self.signal(how);
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by its thread.
            let _ = thread.join();
        }
    }
}

impl Drop for CvmLocal {
    fn drop(&mut self) {
        self.end(Stop::AtOnce);
    }
}
