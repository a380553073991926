//! What a network does, and the sentence that comes of it: see [`faults`](crate::faults).

use std::thread;

use cvm_proto::Error;
use cvm_proto::api::DescribeImages;

use crate::Shell;
use crate::faults::{self, Fault};

/// What every driver of the core can meet.
pub fn every_plain_fault_is_said<S: Shell>() {
    check::<S>(|fault| fault.is_plain);
}

/// What a client meets that has TLS and proxies.
pub fn every_fault_is_said<S: Shell>() {
    check::<S>(|fault| !fault.is_plain);
}

fn check<S: Shell>(which: impl Fn(&Fault) -> bool) {
    let met = thread::scope(|scope| {
        let meet = |fault: &'static Fault| (fault.name, scope.spawn(|| meet::<S>(fault)));
        let running: Vec<_> = faults::all().filter(|fault| which(fault)).map(meet).collect();
        running.into_iter().map(|(name, met)| (name, met.join())).collect::<Vec<_>>()
    });
    let failed: Vec<_> = met.into_iter().filter(|(_, met)| met.is_err()).map(|(name, _)| name).collect();
    assert_eq!(failed, [""; 0]);
}

fn meet<S: Shell>(fault: &Fault) {
    let stage = fault.begin();
    let client = S::from_settings(stage.settings()).unwrap();
    let error: Error = client.send(DescribeImages::default()).unwrap_err();
    assert_eq!(error.to_string(), stage.sentence(), "{}: {error:?}", fault.name);
    assert_eq!(error.attempts(), stage.attempts, "{}: {error:?}", fault.name);
    for shown in [format!("{error:?}"), client.shown()] {
        assert!(!shown.contains("proxy-password"), "{shown}");
    }
}
