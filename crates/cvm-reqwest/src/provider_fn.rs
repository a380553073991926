//! Credentials from an async function.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use cvm_proto::Error;
use cvm_proto::credential::{Fetch, FetchContext, Found, Lease, Provider, elsewhere, ready};
use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// A provider that asks an async function for credentials, such as one that reads a vault.
///
/// The client calls it when it has no credential, and again before the one it has expires; one call asks for all. It runs as
/// a task of tokio, and is aborted when the call that asked gives up: at its `call_timeout` at the latest.
///
/// ```
/// use cvm_reqwest::cvm_proto::credential::Lease;
/// use cvm_reqwest::{Client, Credential, provider_fn};
///
/// # async fn read_from_vault() -> Result<(String, String, u64), cvm_reqwest::Error> {
/// #     Ok(("AKIDexample".into(), "not-a-real-key".into(), 1_551_120_000))
/// # }
/// let vault = provider_fn(|| async {
///     let (id, key, expires) = read_from_vault().await?;
///     Ok(Lease::until(Credential::new(id, key)?, expires))
/// });
/// let client = Client::builder().provider(vault).region("ap-shanghai").build()?;
/// # let _ = client;
/// # Ok::<(), cvm_reqwest::Error>(())
/// ```
///
/// # Errors
///
/// What the function gives: make it with [`Error::credential`], and `with_source` for what caused it. It ends the calls that
/// wait for the credential; the next ones ask again, after a pause.
pub fn provider_fn<F, U, L>(fetch: F) -> FnProvider<F>
where
    F: Fn() -> U + Send + Sync + 'static,
    U: Future<Output = Result<L, Error>> + Send + 'static,
    L: Into<Lease> + Send + 'static,
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

impl<F, U, L> Provider for FnProvider<F>
where
    F: Fn() -> U + Send + Sync + 'static,
    U: Future<Output = Result<L, Error>> + Send + 'static,
    L: Into<Lease> + Send + 'static,
{
    fn fetch(&self, _: &FetchContext) -> Fetch {
        let Ok(runtime) = Handle::try_current() else {
            return ready(Err(Error::config(
                "the provider is an async function and needs a tokio runtime: drive the call within one",
            )));
        };
        let fetch = Arc::clone(&self.0);
        let mut task = Task(runtime.spawn(async move { fetch().await }));
        elsewhere(move || {
            let outcome = (&mut task.0).now_or_never()?;
            Some(match outcome {
                Ok(found) => found.map(|lease| Found::Lease(lease.into())),
                Err(_) => Err(Error::credential("the function that provides it panicked: see its message")),
            })
        })
    }
}

/// A task that ends when nobody waits for it any more.
struct Task<T>(JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
