//! What clients see of an endpoint through the meddler, and what it knows of them.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use cvm_local::{Clock, CvmLocal};
use cvm_meddler::{Hide, Meddler, Received, Rule, control, look};
use cvm_proto::api::{DeleteImages, DescribeImages, SyncImages};
use cvm_proto::{Endpoint, RetryPolicy};
use cvm_ureq::{Client, Error, FromSettings};
use serde_json::{Value, json};

const IMAGE: &str = "img-o3ycss2p";
const LIMIT: Duration = Duration::from_secs(10);

fn endpoint() -> CvmLocal {
    CvmLocal::builder().clock(Clock::stepped()).start().unwrap()
}

/// A client that sends each request once.
fn client(url: &str, local: &CvmLocal) -> Client {
    patient_client(url, local, Duration::from_secs(1))
}

/// The same, which waits so long for an answer.
fn patient_client(url: &str, local: &CvmLocal, patience: Duration) -> Client {
    let mut settings = local.settings("ap-shanghai");
    settings.endpoint = Endpoint::explicit(url).unwrap();
    settings.retry = RetryPolicy::never();
    settings.attempt_timeout = patience;
    Client::from_settings(settings).unwrap()
}

fn stage() -> (CvmLocal, Meddler, Client) {
    let local = endpoint();
    let meddler = Meddler::start(local.endpoint(), 1);
    let client = client(&meddler.url(), &local);
    (local, meddler, client)
}

fn copy(client: &Client) -> Result<String, Error> {
    let request = SyncImages::new([IMAGE], ["ap-beijing"]).image_name("copy").image_set_required(true);
    let answer = client.send(request)?;
    Ok(answer.image_set.first().map_or_else(String::new, |copy| copy.image_id.clone()))
}

/// The ids that a client sees in the copy's region, and how many there are said to be.
fn seen(client: &Client) -> (Vec<String>, i64) {
    let answer = client.with_region("ap-beijing").unwrap().send(DescribeImages::default()).unwrap();
    (answer.image_set.into_iter().map(|image| image.image_id).collect(), answer.total_count)
}

fn is_there(local: &CvmLocal) -> bool {
    local.images("ap-beijing").iter().any(|image| image.image_name == "copy")
}

#[test]
fn what_is_left_alone_passes_and_is_taken_down() {
    let (local, meddler, client) = stage();
    let id = copy(&client).unwrap();
    local.advance(Duration::from_secs(60));
    assert!(seen(&client).0.contains(&id));
    let history = meddler.history();
    assert_eq!(history.accepted.len(), 1);
    assert_eq!(history.accepted[0].copies["ap-beijing"].as_ref(), Some(&id));
    let known = history.image(&id).unwrap();
    assert_eq!((known.name(), &*known.region), ("copy", "ap-beijing"));
    assert!(known.was(|state| state == "NORMAL", Duration::ZERO) && known.gone.is_none());

    let delete = DeleteImages::new([id.as_str()]);
    client.with_region("ap-beijing").unwrap().send(delete).unwrap();
    let gone = meddler.history().image(&id).unwrap().gone.unwrap();
    assert!(gone.by_client);
    let [sync, _, delete] = &meddler.exchanges()[..] else { panic!() };
    assert!(
        sync.asks_for_copy(IMAGE, "ap-beijing") && sync.received == Some(Received::All) && !sync.is_lost()
    );
    assert_eq!(sync.received_copy("ap-beijing"), Some(&*id));
    assert_eq!((&*delete.action, &*delete.region), ("DeleteImages", "ap-beijing"));
}

#[test]
fn an_answer_that_is_lost_cut_or_replaced_was_carried_out() {
    for rule in [
        Rule::lose(),
        Rule::cut(),
        Rule::halve(),
        Rule::bad_gateway(),
        Rule::refuse("InternalError"),
        Rule::omit_ids(),
        Rule::hang(),
    ] {
        let (local, meddler, client) = stage();
        let shown = format!("{rule:?}");
        meddler.add(rule.on("SyncImages").times(1));
        let told = copy(&client);
        assert!(told.is_err() || told.as_deref().is_ok_and(str::is_empty), "{shown}: {told:?}");
        assert!(is_there(&local), "{shown}");
        let exchange = &meddler.exchanges()[0];
        assert!(exchange.is_accepted() && exchange.is_lost(), "{shown}: {exchange:?}");
        assert_eq!(exchange.received_copy("ap-beijing"), None, "{shown}");
        assert_eq!(seen(&client).0.len(), local.images("ap-beijing").len(), "{shown}: the rule is used up");
    }
}

#[test]
fn what_is_withheld_never_arrives() {
    for (rule, lost) in [
        (Rule::drop_before(), true),
        (Rule::bad_gateway().withheld(), true),
        (Rule::refuse("RequestLimitExceeded").withheld(), false),
    ] {
        let (local, meddler, client) = stage();
        meddler.add(rule);
        let error = copy(&client).unwrap_err();
        assert!(!is_there(&local));
        assert_eq!(error.outcome_unknown(), lost, "{error}");
        let exchange = &meddler.exchanges()[0];
        assert!(exchange.delivered.is_none() && exchange.is_lost() == lost, "{exchange:?}");
    }
}

#[test]
fn a_request_arrives_although_its_client_has_died() {
    let (local, meddler, client) = stage();
    meddler.add(Rule::hold().on("SyncImages").times(1));
    // It gives up after a second, as if it had been killed.
    copy(&client).unwrap_err();
    assert!(!is_there(&local) && meddler.exchanges()[0].delivered.is_none());
    meddler.release();
    assert!(meddler.wait_until_idle(LIMIT));
    assert!(is_there(&local));

    let (local, meddler, client) = stage();
    meddler.add(Rule::late(Duration::from_millis(100)).on("SyncImages").times(1));
    assert!(copy(&client).unwrap_err().outcome_unknown());
    meddler.wait_for(LIMIT, |exchange| exchange.answered.is_some()).unwrap();
    assert!(is_there(&local) && meddler.exchanges()[0].is_lost());
}

#[test]
fn an_answer_that_comes_after_the_client_has_gone_is_lost() {
    let (local, meddler, _) = stage();
    // Ten times as long as the client waits.
    let client = patient_client(&meddler.url(), &local, Duration::from_millis(200));
    meddler.add(Rule::delay(Duration::from_secs(2)).on("SyncImages").times(1));
    assert!(copy(&client).unwrap_err().outcome_unknown());
    assert!(meddler.wait_until_idle(LIMIT));
    let exchange = &meddler.exchanges()[0];
    assert!(exchange.is_accepted() && exchange.received == Some(Received::Nothing), "{exchange}");
}

#[test]
fn an_image_is_hidden_by_id_by_name_or_because_it_is_new() {
    let (local, meddler, client) = stage();
    let (before, count) = seen(&client);
    let new = meddler.hide(Hide::new_in("ap-beijing"));
    let id = copy(&client).unwrap();
    assert!(is_there(&local));
    assert_eq!(seen(&client), (before.clone(), count), "the old ones are shown, and counted");
    assert!(meddler.history().image(&id).unwrap().was(|state| state == "SYNCING", Duration::ZERO));
    assert!(meddler.remove(new));
    assert_eq!(seen(&client).1, count + 1);
    for hide in [Hide::id(&id), Hide::name("copy")] {
        let hidden = meddler.hide(hide);
        assert_eq!(seen(&client), (before.clone(), count));
        meddler.remove(hidden);
    }
    meddler.hide(Hide::id(&id).for_time(Duration::ZERO));
    assert!(seen(&client).0.contains(&id), "its time is over");
    meddler.hide(Hide::new_in("ap-tokyo"));
    meddler.hide(Hide::new_in("ap-beijing"));
    assert!(seen(&client).0.contains(&id), "it is not new any more");
}

#[test]
fn a_look_past_it_finds_what_has_gone() {
    let (local, meddler, client) = stage();
    let straight = self::client(local.endpoint(), &local);
    let id = copy(&client).unwrap();
    local.advance(Duration::from_secs(60));
    look(&straight, &["ap-beijing"], &meddler).unwrap();
    assert!(meddler.history().image(&id).unwrap().was(|state| state == "NORMAL", Duration::ZERO));
    // A client deletes it, and neither it nor the meddler hears what came of it.
    meddler.lead_to(None);
    let there = client.with_region("ap-beijing").unwrap();
    there.send(DeleteImages::new([id.as_str()])).unwrap_err();
    straight.with_region("ap-beijing").unwrap().send(DeleteImages::new([id.as_str()])).unwrap();
    look(&straight, &["ap-beijing"], &meddler).unwrap();
    let gone = meddler.history().image(&id).unwrap().gone.unwrap();
    assert!(!gone.by_client, "what was never delivered deleted nothing");
    meddler.lead_to(Some(local.endpoint()));
    assert!(!seen(&client).0.contains(&id));
}

#[test]
fn others_start_it_as_a_program() {
    let local = endpoint();
    let mut program = Command::new(env!("CARGO_BIN_EXE_meddler"));
    program.args(["--to", local.endpoint()]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = program.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let places: Value = serde_json::from_str(&line).unwrap();
    let order = |line: &str, body: Value| control::order(places["control"].as_str().unwrap(), line, &body);

    let client = client(places["url"].as_str().unwrap(), &local);
    let rule = order("POST /rules", json!({ "action": "SyncImages", "answer": "lose" }));
    copy(&client).unwrap_err();
    assert_eq!(order(&format!("DELETE /rules/{}", rule["id"]), json!({})), json!({}));
    let (_, count) = seen(&client);
    order("POST /hidden", json!({ "name": "copy" }));
    assert_eq!(seen(&client).1, count - 1);
    order("DELETE /rules", json!({}));
    assert_eq!(seen(&client).1, count);
    let exchanges = order("GET /exchanges", json!({}));
    assert_eq!(exchanges[0]["received"], "nothing", "{exchanges}");
    assert_eq!(order("GET /history", json!({}))["accepted"][0]["source"], IMAGE);
    order("PUT /target", json!({ "url": null }));
    client.send(DescribeImages::default()).unwrap_err();
    for (line, body) in [("POST /rules", json!({ "colour": "red" })), ("GET /colours", json!({}))] {
        std::panic::catch_unwind(|| order(line, body)).unwrap_err();
    }

    drop(child.stdin.take());
    assert!(child.wait().unwrap().success(), "it ends with whoever started it");
    let usage = Command::new(env!("CARGO_BIN_EXE_meddler")).output().unwrap();
    assert_eq!(usage.status.code(), Some(2));
}
