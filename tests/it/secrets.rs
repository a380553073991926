//! What the clients and the libraries under them log: never a secret.
//!
//! Everything is recorded at the finest level, except ureq, which is there to dump the bytes on the wire at TRACE; it is
//! recorded at DEBUG. A process has one logger, so this has a process of its own.

#![allow(clippy::unwrap_used)]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use cvm_conformance::scenarios::secure::all_that_is_shown;
use cvm_conformance::shell::{ByHand, Reqwest};
use cvm_conformance::{SECRET_ID, SECRET_KEY};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn nothing_secret_is_logged() {
    let token = "conformance-token-in-the-log";
    let log = Log::default();
    let writer = log.clone();
    let levels = Targets::new()
        .with_default(LevelFilter::TRACE)
        .with_target("ureq", LevelFilter::DEBUG)
        .with_target("ureq_proto", LevelFilter::DEBUG);
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(move || writer.clone());
    // Also takes what libraries say through the `log` crate.
    tracing_subscriber::registry().with(levels).with(layer).init();

    all_that_is_shown::<ByHand>(token);
    all_that_is_shown::<Reqwest>(token);
    all_that_is_shown::<cvm_ureq::Client>(token);

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for secret in [SECRET_KEY, token, "Signature="] {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} was logged");
    }
    for expected in
        ["cvm_reqwest", "cvm_ureq", "cvm.call", "action=\"SyncImages\"", "attempt=1", "status=200", "WARN"]
    {
        assert!(text.contains(expected), "{expected} is not in the log");
    }
    assert!(!text.contains("authorization: TC3") && !text.contains(&format!("Credential={SECRET_ID}/")));
}
