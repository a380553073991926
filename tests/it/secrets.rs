//! What the clients and the libraries under them log, what panics say, and what journals hold: never a secret.
//!
//! Everything is recorded at the finest level, except ureq, which is there to dump the bytes on the wire at TRACE; it is
//! recorded at DEBUG. A process has one logger, so this has a process of its own.

#![allow(clippy::unwrap_used)]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{fs, panic};

use cvm_journal::Journal;
use cvm_local::{Clock, CvmLocal};
use cvm_proto::api::DescribeImages;
use cvm_proto::{Call, Config, Credential, ImageSync, Machine, Now, Reply, Response};
use cvm_scenarios::scenarios::secure::all_that_is_shown;
use cvm_scenarios::scenarios::sources::{self, ROLE_SECRETS};
use cvm_scenarios::server::EMPTY;
use cvm_scenarios::shell::{ByHand, Reqwest};
use cvm_scenarios::{SECRET_ID, SECRET_KEY, client_of, settings};
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
    let token = "scenarios-token-in-the-log";
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
    sources::all_that_is_shown::<ByHand>();
    sources::all_that_is_shown::<Reqwest>();
    sources::all_that_is_shown::<cvm_ureq::Client>();

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for secret in [SECRET_KEY, token, "Signature="].into_iter().chain(ROLE_SECRETS) {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} was logged");
    }
    for expected in [
        "cvm_shell",
        "cvm_proto::attempt",
        "cvm.call",
        "action=\"SyncImages\"",
        "attempt=1",
        "status=200",
        "WARN",
    ] {
        assert!(text.contains(expected), "{expected} is not in the log");
    }
    assert!(!text.contains("authorization: TC3") && !text.contains(&format!("Credential={SECRET_ID}/")));
}

/// What a panic says on its way out: a call that is driven wrongly, with a key and a token in hand.
#[test]
fn nothing_secret_is_in_a_panic() {
    let token = "scenarios-token-in-a-panic";
    let mut settings = settings("http://127.0.0.1:1");
    settings.credential = Some(Credential::new(SECRET_ID, SECRET_KEY).unwrap().with_token(token).unwrap());
    let config = Config::new(settings).unwrap();
    let mut shown = format!("{config:?}");
    let said = panic::catch_unwind(panic::AssertUnwindSafe(|| {
        let mut call = Call::new(&config, DescribeImages::default(), 1);
        let now = Now::new(1_700_000_000, Duration::ZERO);
        shown += &format!("{call:?} {:?}", call.poll(now));
        call.reply(now, Reply::Response(Response::new(200, EMPTY.into())));
        let _ = call.poll(now);
        // The answer has been given away.
        let _ = call.poll(now);
    }))
    .unwrap_err();
    let said =
        said.downcast_ref::<String>().cloned().or_else(|| said.downcast_ref::<&str>().map(|s| (*s).into()));
    shown += &said.expect("a panic says something");
    assert!(shown.contains("after its end") && shown.contains(SECRET_ID), "{shown}");
    assert!(!shown.contains(SECRET_KEY) && !shown.contains(token), "{shown}");
}

/// What a job leaves on the disk.
#[test]
fn nothing_secret_is_in_a_journal() {
    let folder = tempfile::tempdir().unwrap();
    let local = CvmLocal::builder().clock(Clock::scaled(600.0)).start().unwrap();
    let client = client_of::<cvm_ureq::Client>(&local);
    let journal = Journal::open(folder.path().join("job.json")).unwrap();
    let job = ImageSync::new("img-o3ycss2p").from("ap-shanghai").to(["ap-guangzhou"]);
    let job = journal.begin_or_resume(job, client.config()).unwrap();
    let mut on_the_way = Vec::new();
    let read = |texts: &mut Vec<String>| {
        for file in fs::read_dir(folder.path()).unwrap() {
            texts.push(fs::read_to_string(file.unwrap().path()).unwrap());
        }
    };
    client.run(job, |_| read(&mut on_the_way)).unwrap();
    read(&mut on_the_way);
    assert!(on_the_way.iter().any(|text| text.contains("img-o3ycss2p")));
    for text in on_the_way {
        assert!(
            !text.contains(local.secret_key()) && !text.contains("TC3-HMAC") && !text.contains("Signature=")
        );
    }
}
