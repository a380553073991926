//! Credentials from async functions under the async client.

use std::error::Error as _;
use std::future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use cvm_proto::credential::Provider;
use cvm_reqwest::api::DescribeImages;
use cvm_reqwest::{Client, Credential, Error, ErrorKind, FromSettings, Response, provider_fn};
use cvm_scenarios::server::EMPTY;
use cvm_scenarios::settings;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

/// A client whose exchange is in memory, so that paused time is enough.
fn client(provider: impl Provider + 'static) -> Client {
    let mut settings = settings("https://cvm.invalid");
    settings.credential = None;
    settings.provider = Some(Arc::new(provider));
    let client = Client::from_settings(settings).unwrap();
    client.with_exchange(|_| {
        future::ready(Ok::<_, cvm_proto::machine::Failure>(Response::new(200, EMPTY.into())))
    })
}

#[tokio::test(start_paused = true)]
async fn one_fetch_serves_all_calls() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let provider: Arc<dyn Provider> = Arc::new(provider_fn(move || {
        let number = counter.fetch_add(1, Ordering::SeqCst);
        async move {
            sleep(Duration::from_secs(3)).await;
            if number == 0 {
                return Err(Error::credential("not yet"));
            }
            Credential::new("AKIDvault", "a-key")
        }
    }));
    let client = client(provider);
    let error = client.send(DescribeImages::default()).await.unwrap_err();
    assert!(error.to_string().contains("no credential: not yet"), "{error}");
    sleep(Duration::from_secs(2)).await;
    let calls = (0..8).map(|_| client.send(DescribeImages::default()));
    assert!(join_all(calls).await.iter().all(Result::is_ok));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_function_that_hangs_ends_with_the_call_and_is_aborted() {
    struct Aborted(Arc<AtomicBool>);
    impl Drop for Aborted {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let aborted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&aborted);
    let hanging = client(provider_fn(move || {
        let guard = Aborted(Arc::clone(&flag));
        async move {
            let _guard = guard;
            future::pending::<Result<Credential, Error>>().await
        }
    }));
    let hurried = hanging.with(|settings| settings.call_timeout(Duration::from_secs(2))).unwrap();
    let begun = Instant::now();
    let error = hurried.send(DescribeImages::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert_eq!(begun.elapsed().as_secs(), 2);
    sleep(Duration::from_millis(1)).await;
    assert!(aborted.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn what_the_function_says_is_kept_and_a_panic_is_an_error() {
    let sealed = client(provider_fn(|| async {
        let cause = std::io::Error::other("the vault is sealed");
        Err::<Credential, _>(Error::credential("the vault gives none").with_source(cause))
    }));
    let error = sealed.send(DescribeImages::default()).await.unwrap_err();
    assert!(error.to_string().contains("the vault gives none"), "{error}");
    assert_eq!(error.source().unwrap().to_string(), "the vault is sealed");
    let none: Option<Credential> = None;
    let panicking = client(provider_fn(move || future::ready(Ok::<_, Error>(none.clone().unwrap()))));
    let error = panicking.send(DescribeImages::default()).await.unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
}
