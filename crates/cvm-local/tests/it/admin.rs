//! The admin path, over HTTP as a shell uses it.

use std::time::Duration;

use cvm_local::{Clock, CvmLocal, Fault, Seed};
use serde_json::{Value, json};

use crate::client::{Answer, Client, Raw, plain, unix};

fn admin(local: &CvmLocal, method: &str, path: &str, body: &str) -> Answer {
    plain(local, method, &format!("/_cvm-local{path}"), &[("host", "localhost")], body)
}

/// A request that is done, and what it answers.
fn done(local: &CvmLocal, method: &str, path: &str, body: &str) -> Value {
    let answer = admin(local, method, path, body);
    assert!([200, 204].contains(&answer.status), "{}", String::from_utf8_lossy(&answer.body));
    if answer.body.is_empty() { Value::Null } else { answer.json() }
}

/// A request that is not done: its status, and one sentence.
fn refused(local: &CvmLocal, method: &str, path: &str, body: &str) -> (u16, String) {
    let answer = admin(local, method, path, body);
    assert_eq!(answer.content_type.as_deref(), Some("application/json"));
    let sentence = answer.json()["error"].as_str().unwrap().to_owned();
    assert!(
        sentence.ends_with('.') && sentence.starts_with(|c: char| c.is_uppercase() || c == '`'),
        "{sentence}"
    );
    (answer.status, sentence)
}

fn states(local: &CvmLocal, region: &str) -> Vec<String> {
    local.images(region).into_iter().map(|image| image.image_state.to_string()).collect()
}

fn sync(local: &CvmLocal, to: &str) {
    let request = json!({ "ImageIds": ["img-o3ycss2p"], "DestinationRegions": [to] });
    Client::new(local).call("SyncImages", &request).unwrap();
}

#[test]
fn faults_are_added_listed_and_taken_away() {
    let local = CvmLocal::start().unwrap();
    let fault = r#"{"effect":"error","code":"InternalError","action":"DescribeRegions","times":2}"#;
    let id = done(&local, "POST", "/faults", fault)["id"].as_u64().unwrap();
    assert_eq!(Client::new(&local).refused("DescribeRegions", &json!({})), "InternalError");
    let left = json!({ "id": id, "effect": "error", "code": "InternalError", "action": "DescribeRegions", "times": 1 });
    assert_eq!(done(&local, "GET", "/faults", ""), json!({ "faults": [left] }));
    assert_eq!(done(&local, "GET", &format!("/faults/{id}"), ""), left);
    done(&local, "DELETE", &format!("/faults/{id}"), "");
    assert_eq!(refused(&local, "DELETE", &format!("/faults/{id}"), "").0, 404);
    Client::new(&local).call("DescribeRegions", &json!({})).unwrap();
    done(&local, "POST", "/faults", r#"{"effect":"drop-before"}"#);
    assert_eq!(local.faults().list()[0].1, Fault::drop_before());
    done(&local, "DELETE", "/faults", "");
    assert!(local.faults().is_empty());
}

#[test]
fn the_clock_is_read_set_and_moved() {
    let local = CvmLocal::start().unwrap();
    let reading = done(&local, "GET", "/clock", "");
    assert_eq!((&reading["pace"], &reading["skew_seconds"]), (&json!("real"), &json!(0)));
    assert!(reading["signature_unix"].as_u64().unwrap().abs_diff(unix()) < 10);
    let set = done(&local, "PUT", "/clock", r#"{"pace":"stepped","image_time":"2030-01-01T00:00:00Z"}"#);
    assert_eq!((&set["pace"], &set["image_time"]), (&json!("stepped"), &json!("2030-01-01T00:00:00Z")));
    sync(&local, "ap-seoul");
    assert_eq!(states(&local, "ap-seoul"), ["SYNCING"]);
    let moved = done(&local, "POST", "/clock/advance", r#"{"seconds":20}"#);
    assert_eq!(moved["image_time"], "2030-01-01T00:00:20Z");
    assert_eq!(states(&local, "ap-seoul"), ["NORMAL"]);
    assert_eq!(local.images("ap-seoul")[0].created_time, "2030-01-01T00:00:00Z");

    done(&local, "PUT", "/clock", r#"{"skew_seconds":3600}"#);
    assert_eq!(local.clock(), Clock::stepped().with_skew(3600), "what is not named stays");
    let on_time = Raw::post(&local, "DescribeRegions", &json!({})).signed(&local, &["content-type", "host"]);
    assert_eq!(on_time.send(&local).code().as_deref(), Some("AuthFailure.SignatureExpire"));
    done(&local, "PUT", "/clock", r#"{"factor":60}"#);
    assert_eq!(local.clock(), Clock::scaled(60.0).with_skew(3600));
}

#[test]
fn another_seed_takes_the_place_of_the_first() {
    let local = CvmLocal::start().unwrap();
    sync(&local, "ap-seoul");
    let yaml = "
accounts:
  - uin: '7'
    keys:
      - { secret_id: AKIDseven, secret_key: seven-key }
    images:
      - { id: img-00000007, region: ap-seoul, name: seven }
";
    done(&local, "PUT", "/seed", yaml);
    let ids = |local: &CvmLocal| {
        local.images("ap-seoul").into_iter().map(|image| image.image_id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&local)[0], "img-00000007");
    assert!(local.requests().is_empty());
    assert_eq!(Client::new(&local).refused("DescribeRegions", &json!({})), "AuthFailure.SecretIdNotFound");
    Client::new(&local).key("AKIDseven", "seven-key").call("DescribeRegions", &json!({})).unwrap();
    assert_eq!(done(&local, "GET", "/seed", "")["accounts"][0]["uin"], "7");
    done(&local, "POST", "/reset", "");
    assert_eq!(ids(&local)[0], "img-00000007", "a reset goes back to the seed there is");

    let before = done(&local, "GET", "/seed", "");
    let (status, sentence) = refused(&local, "PUT", "/seed", "accounts: []");
    assert!(status == 400 && sentence.contains("no key"), "{sentence}");
    let (_, sentence) = refused(&local, "PUT", "/seed", "{\"colour\":\"red\"}");
    assert!(sentence.contains("colour"), "{sentence}");
    refused(&local, "PUT", "/seed", "accounts: [[[");
    assert_eq!(done(&local, "GET", "/seed", ""), before);
    local.reseed(&Seed::default()).unwrap();
    Client::new(&local).call("DescribeRegions", &json!({})).unwrap();
}

#[test]
fn a_snapshot_goes_on_where_it_was_taken() {
    let local = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    sync(&local, "ap-seoul");
    local.advance(Duration::from_secs(10));
    let snapshot = done(&local, "GET", "/snapshot", "").to_string();
    local.advance(Duration::from_secs(10));
    sync(&local, "ap-tokyo");
    assert_eq!(states(&local, "ap-seoul"), ["NORMAL"]);

    let other = CvmLocal::builder().clock(Clock::stepped()).start().unwrap();
    for local in [&local, &other] {
        done(local, "PUT", "/snapshot", &snapshot);
        assert_eq!((states(local, "ap-seoul"), states(local, "ap-tokyo")), (vec!["SYNCING".into()], vec![]));
        assert_eq!(local.images("ap-seoul")[0].sync_percent, Some(50));
        local.advance(Duration::from_secs(10));
        assert_eq!(states(local, "ap-seoul"), ["NORMAL"]);
        sync(local, "ap-tokyo");
    }
    assert_eq!(local.images("ap-tokyo"), other.images("ap-tokyo"), "and ids go on as they would have");
    local.restore(&other.snapshot().unwrap()).unwrap();
    assert_eq!(local.images("ap-tokyo"), other.images("ap-tokyo"));

    let change = |change: fn(&mut Value)| {
        let mut value: Value = serde_json::from_str(&snapshot).unwrap();
        change(&mut value);
        refused(&local, "PUT", "/snapshot", &value.to_string())
    };
    let (status, sentence) = change(|value| value["version"] = json!(99));
    assert!(status == 400 && sentence.contains("version 99"), "{sentence}");
    assert!(change(|value| value["seed"]["accounts"] = json!([])).1.contains("accounts"));
    assert_eq!(change(|value| value["state"] = json!(7)).0, 400);
    assert_eq!(states(&local, "ap-seoul"), ["NORMAL"], "what cannot be used changes nothing");
}

#[test]
fn the_request_log_is_read_and_forgotten() {
    let local = CvmLocal::start().unwrap();
    Client::new(&local).call("DescribeRegions", &json!({})).unwrap();
    Client::new(&local).region("ap-seoul").refused("DescribeImages", &json!({ "Limit": 0 }));
    let requests = |query: &str| done(&local, "GET", &format!("/requests{query}"), "")["requests"].clone();
    let all = requests("");
    assert_eq!((all[0]["action"].as_str(), &all[0]["outcome"]), (Some("DescribeRegions"), &json!("done")));
    assert_eq!(all[1]["outcome"], json!({ "error": "InvalidParameterValue.InvalidParameterValueLimit" }));
    assert_eq!((&all[0]["accepted"], all[1]["region"].as_str()), (&json!(true), Some("ap-seoul")));
    assert_eq!(requests("?last=1"), json!([all[1]]));
    assert_eq!(requests("?action=DescribeRegions"), json!([all[0]]));
    assert_eq!(requests("?region=ap-seoul&last=5"), json!([all[1]]));
    assert_eq!(refused(&local, "GET", "/requests?last=x", "").0, 400);
    assert_eq!(refused(&local, "GET", "/requests?colour=red", "").0, 400);
    done(&local, "DELETE", "/requests", "");
    assert_eq!(requests(""), json!([]));
}

#[test]
fn what_it_cannot_do_it_says_in_a_sentence() {
    let local = CvmLocal::start().unwrap();
    let (status, sentence) = refused(&local, "GET", "/colours", "");
    assert!(status == 404 && sentence.contains("/faults"), "{sentence}");
    let (status, sentence) = refused(&local, "PUT", "/reset", "");
    assert!(status == 405 && sentence.contains("POST"), "{sentence}");
    assert!(refused(&local, "POST", "/faults", "{").1.contains("cannot be used"));
    assert!(refused(&local, "POST", "/faults", r#"{"effect":"latency"}"#).1.contains("`milliseconds`"));
    assert!(refused(&local, "PUT", "/clock", r#"{"pace":"scaled"}"#).1.contains("`factor`"));
    assert!(refused(&local, "PUT", "/clock", r#"{"pace":"real","factor":2}"#).1.contains("`scaled`"));
    assert!(refused(&local, "PUT", "/clock", r#"{"factor":-1}"#).1.contains("-1"));
    assert!(refused(&local, "PUT", "/clock", r#"{"image_time":"noon"}"#).1.contains("`image_time`"));
    assert!(refused(&local, "POST", "/clock/advance", r#"{"seconds":-1}"#).1.contains("-1"));
    assert_eq!(refused(&local, "GET", "/faults/none", "").0, 404);
    let index = done(&local, "GET", "", "");
    assert_eq!(index["paths"][0], "/_cvm-local/reset");
    assert!(local.requests().is_empty(), "the log is of the API only");
}

#[test]
fn web_pages_cannot_reach_it() {
    let local = CvmLocal::start().unwrap();
    let status = |headers: &[(&str, &str)]| plain(&local, "POST", "/_cvm-local/reset", headers, "").status;
    let host = local.endpoint().strip_prefix("http://").unwrap();
    assert_eq!(status(&[("host", host)]), 204);
    assert_eq!(status(&[("host", host), ("sec-fetch-site", "none")]), 204, "typed in by hand");
    assert_eq!(status(&[("host", host), ("origin", "https://example.com")]), 403);
    assert_eq!(status(&[("host", host), ("origin", "null")]), 403);
    assert_eq!(status(&[("host", host), ("sec-fetch-site", "cross-site")]), 403);
    assert_eq!(status(&[("host", "rebound.example.com")]), 403);
    assert_eq!(status(&[]), 403);
}

#[test]
fn it_says_that_it_is_there() {
    let local = CvmLocal::start().unwrap();
    let answer = plain(&local, "GET", "/healthz", &[("host", "x")], "");
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"ok\n".as_slice()));
    assert!(local.requests().is_empty());
}

#[test]
fn a_body_is_text_as_any_editor_saves_it() {
    let local = CvmLocal::start().unwrap();
    let wide = |text: &str| text.chars().flat_map(|c| [c, '\0']).collect::<String>();
    let fault = "{\r\n\"effect\": \"drop-before\"\r\n}\r\n";
    for body in [fault.to_owned(), format!("\u{feff}{fault}")] {
        done(&local, "POST", "/faults", &body);
    }
    assert_eq!(local.faults().list().len(), 2);
    for (path, method, body, part) in [
        ("/faults", "POST", wide(fault), "line 1 is UTF-16: save it as UTF-8."),
        ("/faults", "POST", "{\n\"effect\": x}".into(), "line 2 is not JSON: expected value"),
        ("/faults", "POST", String::new(), "line 1 is empty"),
        ("/seed", "PUT", wide("number: 7"), "The body is UTF-16"),
    ] {
        let (status, sentence) = refused(&local, method, path, &body);
        assert!(status == 400 && sentence.contains(part), "{sentence}");
    }
    let seed = "\u{feff}accounts:\r\n  - uin: '7'\r\n    keys:\r\n      - { secret_id: ' AKIDseven', secret_key: \"seven-key\\n\" }\r\n";
    done(&local, "PUT", "/seed", seed);
    Client::new(&local).key("AKIDseven", "seven-key").call("DescribeRegions", &json!({})).unwrap();
    for (key, part) in [
        ("{ secret_id: AKIDx }", "secret_key is empty"),
        (
            "{ secret_id: 'AKID\u{200b}', secret_key: hidden }",
            "secret_id contains what is not printable ASCII",
        ),
        ("{ secret_id: AKIDx, secret_key: hid den }", "secret_key contains white space"),
        ("{ secret_id: AKIDx, secret_key: hidden, token: \"hid\\r\\nden\" }", "token contains white space"),
        (
            "{ secret_id: AKIDx, secret_key: hidden密 }",
            "secret_key contains what is not printable ASCII (U+5BC6",
        ),
    ] {
        let seed = format!("accounts:\n  - uin: '7'\n    keys:\n      - {key}\n");
        let (_, sentence) = refused(&local, "PUT", "/seed", &seed);
        assert!(sentence.contains(part) && !sentence.contains("hid"), "{sentence}");
    }
}
