//! What is wrong on this side of the wire is said in one sentence that names it, and nothing is sent.

use cvm_proto::api::SyncImages;
use cvm_proto::{Credential, Endpoint, Error, ErrorKind, Settings};
use serde_json::json;

use crate::server::{Act, EMPTY, Server};
use crate::{Shell, settings};

/// Runs `call` with a client whose settings `change` has touched; its error must be of this kind, be one sentence, and
/// name each of `parts`. Nothing may be sent.
fn check<S: Shell>(
    change: impl FnOnce(&mut Settings),
    call: impl FnOnce(&S) -> Result<(), Error>,
    kind: ErrorKind,
    parts: &[&str],
) {
    let server = Server::start(|_, _| Act::ok(EMPTY));
    let mut settings = settings(&server.endpoint());
    change(&mut settings);
    let error = S::from_settings(settings).and_then(|client| call(&client)).unwrap_err();
    check_sentence(&error, kind, parts);
    assert_eq!(error.attempts(), 0);
    assert_eq!(server.connections(), 0, "nothing may be sent");
}

fn check_sentence(error: &Error, kind: ErrorKind, parts: &[&str]) {
    let text = error.to_string();
    assert_eq!(error.kind(), kind, "{error:?}");
    assert!(!text.contains('\n') && !text.contains(". "), "one sentence: {text}");
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
    assert!(!error.outcome_unknown(), "{error:?}");
}

fn sync<S: Shell>(images: &[&str], to: &[&str]) -> impl FnOnce(&S) -> Result<(), Error> {
    let action = SyncImages::new(images.iter().copied(), to.iter().copied());
    |client| client.send(action).map(drop)
}

/// No region on the client.
pub fn no_region<S: Shell>() {
    let call = sync::<S>(&["img-o3ycss2p"], &["ap-guangzhou"]);
    check(|settings| settings.region = None, call, ErrorKind::Config, &["no region", "SyncImages"]);
}

/// No credential at all.
pub fn no_credential<S: Shell>() {
    let call = sync::<S>(&["img-o3ycss2p"], &["ap-guangzhou"]);
    check(|settings| settings.credential = None, call, ErrorKind::Config, &["no credential"]);
}

/// A credential with only one half, or with a line break in it.
pub fn empty_secret<S: Shell>() {
    for (id, key, part) in [("", "key", "secret_id"), ("id", "", "secret_key"), ("id", "k\ney", "secret_key")]
    {
        check_sentence(&Credential::new(id, key).unwrap_err(), ErrorKind::Config, &[part]);
    }
}

/// An endpoint that is no address.
pub fn bad_endpoint<S: Shell>() {
    for address in ["", "ftp://host", "http://host/path", "http://host:port", "http://ho st"] {
        check_sentence(&Endpoint::explicit(address).unwrap_err(), ErrorKind::Config, &["endpoint"]);
    }
}

/// A region that cannot be one, from the start and later.
pub fn bad_region<S: Shell>() {
    let call = sync::<S>(&["img-o3ycss2p"], &["ap-guangzhou"]);
    check(
        |settings| settings.region = Some("AP Guangzhou".into()),
        call,
        ErrorKind::Config,
        &["region `AP Guangzhou`"],
    );
    let call = |client: &S| client.with_region("../etc").map(drop);
    check(|_| (), call, ErrorKind::Config, &["region `../etc`"]);
}

/// An empty list where one id is needed.
pub fn empty_image_list<S: Shell>() {
    let call = sync::<S>(&[], &["ap-guangzhou"]);
    check(|_| (), call, ErrorKind::Parameter, &["ImageIds", "SyncImages"]);
}

/// The service copies one image a call.
pub fn two_images<S: Shell>() {
    let call = sync::<S>(&["img-o3ycss2p", "img-11111111"], &["ap-guangzhou"]);
    check(|_| (), call, ErrorKind::Parameter, &["ImageIds", "2"]);
}

/// A copy to nowhere.
pub fn no_destination<S: Shell>() {
    let call = sync::<S>(&["img-o3ycss2p"], &[]);
    check(|_| (), call, ErrorKind::Parameter, &["DestinationRegions"]);
}

/// A name that would break out of a header.
pub fn bad_action_name<S: Shell>() {
    for name in ["", "Describe Images", "Describe\r\nX-Evil: 1"] {
        let call = |client: &S| client.call(name, json!({})).map(drop);
        check(|_| (), call, ErrorKind::Parameter, &["is not an action's name"]);
    }
    let call = |client: &S| client.call("DescribeImages", json!([1])).map(drop);
    check(|_| (), call, ErrorKind::Parameter, &["DescribeImages"]);
}
