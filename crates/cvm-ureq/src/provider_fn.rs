//! Credentials from a function.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{TryRecvError, channel};
use std::thread;

use cvm_proto::Error;
use cvm_proto::credential::{Fetch, FetchContext, Found, Lease, Provider, elsewhere, ready};

/// A provider that asks a function for credentials, such as one that reads a vault.
///
/// The client calls it when it has no credential, and again before the one it has expires; one call asks for all. It runs in
/// a thread of its own, so that a function that hangs holds no call up beyond its `call_timeout`.
///
/// ```
/// use cvm_ureq::cvm_proto::credential::Lease;
/// use cvm_ureq::{Client, Credential, provider_fn};
///
/// # fn read_from_vault() -> Result<(String, String, u64), cvm_ureq::Error> {
/// #     Ok(("AKIDexample".into(), "not-a-real-key".into(), 1_551_120_000))
/// # }
/// let vault = provider_fn(|| {
///     let (id, key, expires) = read_from_vault()?;
///     Ok(Lease::until(Credential::new(id, key)?, expires))
/// });
/// let client = Client::builder().provider(vault).region("ap-shanghai").build()?;
/// # let _ = client;
/// # Ok::<(), cvm_ureq::Error>(())
/// ```
///
/// # Errors
///
/// What the function gives: make it with [`Error::credential`], and `with_source` for what caused it. It ends the calls that
/// wait for the credential; the next ones ask again, after a pause.
pub fn provider_fn<F, L>(fetch: F) -> FnProvider<F>
where
    F: Fn() -> Result<L, Error> + Send + Sync + 'static,
    L: Into<Lease>,
{
    FnProvider(Arc::new(fetch))
}

/// What [`provider_fn`] makes.
pub struct FnProvider<F>(Arc<F>);

impl<F> fmt::Debug for FnProvider<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FnProvider")
    }
}

impl<F, L> Provider for FnProvider<F>
where
    F: Fn() -> Result<L, Error> + Send + Sync + 'static,
    L: Into<Lease>,
{
    fn fetch(&self, _: &FetchContext) -> Fetch {
        let (hand_in, outcome) = channel();
        let fetch = Arc::clone(&self.0);
        let run = move || {
            // Nobody may be there any more to hear it.
            let _ = hand_in.send(fetch().map(|lease| Found::Lease(lease.into())));
        };
        if let Err(error) = thread::Builder::new().name("cvm-credential".into()).spawn(run) {
            return ready(Err(
                Error::credential("the function that provides it gets no thread").with_source(error)
            ));
        }
        elsewhere(move || match outcome.try_recv() {
            Ok(found) => Some(found),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                Some(Err(Error::credential("the function that provides it panicked: see its message")))
            }
        })
    }
}
