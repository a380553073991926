//! Steering a [`Meddler`] over HTTP, for tests that are not in Rust.
//!
//! The program `meddler --to URL` prints one line of JSON, `{"url": .., "control": ..}`: where clients go, and where it
//! is steered. It ends when its standard input does. Bodies are JSON:
//!
//! | request | does |
//! |---|---|
//! | `POST /rules` with a [`Rule`] | adds it, answers `{"id": ..}` |
//! | `POST /hidden` with a [`Hide`] | hides what it says, answers `{"id": ..}` |
//! | `DELETE /rules/ID`, `DELETE /hidden/ID` | takes one back |
//! | `DELETE /rules` | takes back all, hidden ones too |
//! | `POST /release` | passes on what is held |
//! | `PUT /target` with `{"url": ..}` | leads requests there; nowhere if it is null |
//! | `GET /exchanges` | every [`Exchange`](crate::Exchange) so far |
//! | `GET /history` | the [`History`](crate::History) so far |

use std::io::{self, BufReader};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::hide::Hide;
use crate::http::Message;
use crate::proxy::Meddler;
use crate::rule::Rule;

/// Takes orders for a meddler from now on, on a free port of 127.0.0.1; returns where.
pub fn listen(meddler: Arc<Meddler>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let meddler = Arc::clone(&meddler);
            thread::spawn(move || serve(&client, &meddler));
        }
    });
    url
}

/// Sends an order such as `POST /rules` with a body to a server that takes JSON, this one or an endpoint's admin path;
/// what it answers, null if that is nothing.
///
/// # Panics
///
/// If it cannot be reached, or refuses.
pub fn order(url: &str, order: &str, body: &Value) -> Value {
    let host = url.trim_start_matches("http://");
    let mut server = TcpStream::connect(host).unwrap();
    let message = Message {
        first: format!("{order} HTTP/1.1"),
        headers: vec![("host".into(), host.into()), ("content-type".into(), "application/json".into())],
        body: body.to_string().into_bytes(),
    };
    message.write(&mut server, Some("close")).unwrap();
    let answer = Message::read(&mut BufReader::new(server)).unwrap().unwrap();
    let said = String::from_utf8_lossy(&answer.body);
    assert!(matches!(answer.status(), Some(200..=299)), "{order}: {said}");
    serde_json::from_str(&said).unwrap_or_default()
}

fn serve(mut client: &TcpStream, meddler: &Meddler) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    while let Some(request) = Message::read(&mut reader)? {
        let (status, body) = match obey(meddler, &request) {
            Ok(answer) => (200, answer),
            Err(why) => (400, json!({ "error": why })),
        };
        Message::response(status, "application/json", body.to_string()).write(&mut client, None)?;
    }
    Ok(())
}

fn obey(meddler: &Meddler, request: &Message) -> Result<Value, String> {
    let mut line = request.first.split(' ');
    let order = (line.next().unwrap_or_default(), line.next().unwrap_or_default());
    match order {
        ("POST", "/rules") => Ok(json!({ "id": meddler.add(read::<Rule>(request)?) })),
        ("POST", "/hidden") => Ok(json!({ "id": meddler.hide(read::<Hide>(request)?) })),
        ("POST", "/release") => {
            meddler.release();
            Ok(json!({}))
        }
        ("PUT", "/target") => {
            meddler.lead_to(read::<Value>(request)?["url"].as_str());
            Ok(json!({}))
        }
        ("DELETE", "/rules") => {
            meddler.clear();
            Ok(json!({}))
        }
        ("DELETE", path) => {
            let id = path.strip_prefix("/rules/").or_else(|| path.strip_prefix("/hidden/"));
            let found = id.and_then(|id| id.parse().ok()).is_some_and(|id| meddler.remove(id));
            if found { Ok(json!({})) } else { Err(format!("there is nothing by `{path}`")) }
        }
        ("GET", "/exchanges") => written(&meddler.exchanges()),
        ("GET", "/history") => written(&meddler.history()),
        (method, path) => Err(format!("there is no {method} {path}")),
    }
}

fn read<T: DeserializeOwned>(request: &Message) -> Result<T, String> {
    serde_json::from_slice(&request.body).map_err(|error| format!("the body cannot be used: {error}"))
}

fn written(value: &impl Serialize) -> Result<Value, String> {
    serde_json::to_value(value).map_err(|error| error.to_string())
}
