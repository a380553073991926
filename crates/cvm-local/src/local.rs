//! The handle of an endpoint that is running.

use std::io;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use cvm_proto::api::types::Image;
use cvm_proto::{Credential, Endpoint, Settings};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::actions;
use crate::builder::Builder;
use crate::clock::{self, Clock};
use crate::fault::Faults;
use crate::http::server::Stop;
use crate::request_log::RequestRecord;
use crate::seed::Seed;
use crate::service::Service;
use crate::state::Snapshot;

/// An endpoint that is running.
///
/// It has a thread of its own, so it can be used from plain tests and from async ones alike. Dropping it closes all
/// connections and ends the thread.
#[derive(Debug)]
pub struct CvmLocal {
    pub(crate) service: Arc<Service>,
    pub(crate) ca_pem: Option<String>,
    pub(crate) address: String,
    pub(crate) endpoint: Endpoint,
    pub(crate) credential: Credential,
    /// The runtime that serves: its timers run on real time, whatever the caller's do.
    pub(crate) timers: Handle,
    pub(crate) stop: Option<oneshot::Sender<Stop>>,
    pub(crate) ended: oneshot::Receiver<io::Result<()>>,
    pub(crate) thread: Option<JoinHandle<()>>,
}

/// Why something that a caller gave cannot be used.
pub(crate) fn invalid(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
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

    /// Its address: `http://127.0.0.1:PORT`, or `https` with [`Builder::tls`].
    pub fn endpoint(&self) -> &str {
        &self.address
    }

    /// Settings for a client of this endpoint in a region: its address, for sts as well, its credential, and the authority to trust.
    ///
    /// ```
    /// use cvm_local::CvmLocal;
    ///
    /// let local = CvmLocal::start()?;
    /// let settings = local.settings("ap-shanghai"); // for `Client::from_settings` of cvm-ureq or cvm-reqwest
    /// assert_eq!(settings.region.as_deref(), Some("ap-shanghai"));
    /// # cvm_proto::Config::new(settings)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn settings(&self, region: &str) -> Settings {
        let mut settings = Settings::default();
        settings.credential = Some(self.credential.clone());
        settings.endpoint = self.endpoint.clone();
        settings.sts_endpoint = Some(self.endpoint.clone());
        settings.region = Some(region.into());
        settings.ca_pem = self.ca_pem.clone().map(String::into_bytes);
        settings
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
        self.service.running_clock.clock()
    }

    /// Changes how time passes. Image time continues from where it is.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] if the clock's factor is negative or not finite.
    pub fn set_clock(&self, clock: Clock) -> io::Result<()> {
        self.service.set_clock(clock).map_err(invalid)
    }

    /// What time it is by the image clock.
    pub fn image_time(&self) -> SystemTime {
        clock::system_time(self.service.running_clock.now())
    }

    /// Sets the image clock, forward or back; it continues from there at its own pace.
    pub fn set_image_time(&self, time: SystemTime) {
        self.service.set_time(clock::moment(time));
    }

    /// Moves the image clock forward, on top of its own pace.
    pub fn advance(&self, by: Duration) {
        self.service.advance(by);
    }

    /// The faults that make it misbehave.
    pub fn faults(&self) -> &Faults {
        &self.service.faults
    }

    /// The last 10,000 requests, oldest first.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.service.request_log.read()
    }

    /// Waits until `count` requests for an action have arrived and their work is done, at most for `limit`; returns the
    /// last of them. It counts those that [`requests`](Self::requests) has: all since the start, a
    /// [`clear_requests`](Self::clear_requests) or a [`reset`](Self::reset), up to 10,000. Answers may still be on their way.
    ///
    /// It blocks the thread. In an async test, where the client may need this very thread, use
    /// [`wait_for_async`](Self::wait_for_async).
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::TimedOut`] with a sentence that says how many have arrived; [`io::ErrorKind::InvalidInput`] if
    /// neither cvm nor sts has such an action; and why the endpoint has ended, if it has.
    pub fn wait_for(&self, action: &str, count: usize, limit: Duration) -> io::Result<RequestRecord> {
        let waiting = self.waiting_for(action, count, limit)?;
        let (send, receive) = mpsc::channel();
        self.timers.spawn(async move { send.send(waiting.await) });
        receive.recv().unwrap_or_else(|_| Err(io::Error::other("the endpoint has ended")))
    }

    /// [`wait_for`](Self::wait_for) that does not block. `limit` is in real time, also where the time of the caller's
    /// runtime is paused.
    ///
    /// # Errors
    ///
    /// As with [`wait_for`](Self::wait_for).
    pub async fn wait_for_async(
        &self,
        action: &str,
        count: usize,
        limit: Duration,
    ) -> io::Result<RequestRecord> {
        let waiting = self.waiting_for(action, count, limit)?;
        self.timers.spawn(waiting).await.unwrap_or_else(|_| Err(io::Error::other("the endpoint has ended")))
    }

    fn waiting_for(
        &self,
        action: &str,
        count: usize,
        limit: Duration,
    ) -> io::Result<impl Future<Output = io::Result<RequestRecord>> + Send + use<>> {
        actions::check_name(action).map_err(invalid)?;
        let (service, action) = (Arc::clone(&self.service), action.to_owned());
        Ok(async move { service.request_log.nth(&action, count, limit).await })
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
        let views = state.resources.all_images(region, 0, self.service.running_clock.now());
        // The view writes what the API's type reads; the tests hold the two together.
        views.filter_map(|view| serde_json::from_value(serde_json::to_value(view).ok()?).ok()).collect()
    }

    /// Goes back to the seed: images, issued credentials, faults, request log, rates and ids. The clock and the connections
    /// are not affected.
    pub fn reset(&self) {
        // The seed was good when it started, and has not changed.
        let _ = self.service.reset();
    }

    /// Starts again with another seed. [`credential`](Self::credential) is still that of the first one.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] with a sentence if the seed contradicts itself; then nothing has changed.
    pub fn reseed(&self, seed: &Seed) -> io::Result<()> {
        self.service.reseed(seed).map_err(invalid)
    }

    /// Everything it knows of images and credentials.
    ///
    /// # Errors
    ///
    /// Why it cannot be written as JSON.
    pub fn snapshot(&self) -> io::Result<Snapshot> {
        self.service.snapshot().map_err(io::Error::other)
    }

    /// Continues with what a snapshot holds, and from its image time.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] with a sentence if it cannot be used; then nothing has changed.
    pub fn restore(&self, snapshot: &Snapshot) -> io::Result<()> {
        self.service.restore(snapshot).map_err(invalid)
    }

    /// Stops it gracefully: accepts no more connections, and gives requests in flight up to 5 s to end.
    ///
    /// # Errors
    ///
    /// Why it ended before, if it did.
    pub fn shutdown(mut self) -> io::Result<()> {
        self.end(Stop::Gracefully);
        self.ended.try_recv().unwrap_or(Ok(()))
    }

    /// Runs until `signal` is ready, then stops as [`shutdown`](Self::shutdown) does. Returns early if the endpoint ends by
    /// itself.
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
