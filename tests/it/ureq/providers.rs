//! Credentials from functions under the blocking client.

use std::error::Error as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use cvm_proto::credential::{Lease, Provider};
use cvm_scenarios::server::{Act, EMPTY, Server};
use cvm_scenarios::settings;
use cvm_ureq::api::DescribeImages;
use cvm_ureq::{Client, Credential, Error, ErrorKind, FromSettings, provider_fn};

fn client(server: &Server, provider: impl Provider + 'static) -> Client {
    let mut settings = settings(&server.endpoint());
    settings.credential = None;
    settings.provider = Some(Arc::new(provider));
    settings.call_timeout = Duration::from_secs(20);
    Client::from_settings(settings).unwrap()
}

fn fine() -> Server {
    Server::start(|_, _| Act::ok(EMPTY))
}

#[test]
fn one_fetch_serves_all_calls() {
    let (server, asked) = (fine(), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&asked);
    let provider: Arc<dyn Provider> = Arc::new(provider_fn(move || {
        let number = counter.fetch_add(1, Ordering::SeqCst);
        if number == 0 {
            return Err(Error::credential("not yet"));
        }
        Credential::new(format!("AKIDvault{number}"), "a-key")
    }));
    let client = client(&server, provider);
    let error = client.send(DescribeImages::default()).unwrap_err();
    assert!(error.to_string().contains("no credential: not yet"), "{error}");
    assert_eq!(error.kind(), ErrorKind::Credential);
    // The pause after a fetch that failed.
    thread::sleep(Duration::from_millis(1100));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| client.send(DescribeImages::default()).unwrap());
        }
    });
    assert_eq!((asked.load(Ordering::SeqCst), server.received().len()), (2, 8));
    let signed = server.received().iter().all(|request| {
        request.header("authorization").is_some_and(|value| value.contains("Credential=AKIDvault1/"))
    });
    assert!(signed);
}

#[test]
fn a_function_that_hangs_or_panics_holds_no_call_up() {
    let server = fine();
    let (release, hold) = mpsc::channel::<()>();
    let hold = std::sync::Mutex::new(hold);
    let hanging = client(
        &server,
        provider_fn(move || {
            let _ = hold.lock().unwrap().recv();
            Credential::new("AKIDlate", "a-key").map(Lease::from)
        }),
    );
    let hanging = hanging.with(|settings| settings.call_timeout(Duration::from_millis(200))).unwrap();
    let begun = Instant::now();
    let error = hanging.send(DescribeImages::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(begun.elapsed() < Duration::from_secs(10));
    drop(release);

    let panicking = client(&server, provider_fn(|| -> Result<Credential, Error> { panic!("on purpose") }));
    let error = panicking.send(DescribeImages::default()).unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
    assert_eq!(server.received().len(), 0);
}

#[test]
fn what_the_function_says_is_kept() {
    let server = fine();
    let client = client(
        &server,
        provider_fn(|| {
            let cause = std::io::Error::other("the vault is sealed");
            Err::<Credential, _>(Error::credential("the vault gives none").with_source(cause))
        }),
    );
    let error = client.send(DescribeImages::default()).unwrap_err();
    assert!(error.to_string().contains("the vault gives none"), "{error}");
    assert_eq!(error.source().unwrap().to_string(), "the vault is sealed");
}
