//! A service that answers whatever a test wants.

use std::io::{self, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::thread;

use serde_json::{Value, json};

use crate::command::cvm;
use crate::hanging::message;

/// Answers every request with what the test makes of its action; what the endpoint would check is not checked.
pub(crate) struct Answering {
    url: String,
}

impl Answering {
    /// `answer` gives the response without its envelope; a request id is added where there is none.
    pub(crate) fn with(answer: impl Fn(&str) -> Value + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let answer = Arc::clone(&answer);
                // A client that goes away is no failure of the service.
                thread::spawn(move || serve(&client, &*answer));
            }
        });
        Self { url }
    }

    /// The program with what leads it there.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = cvm(args);
        command.env("TENCENTCLOUD_ENDPOINT", &self.url).env("TENCENTCLOUD_REGION", "ap-shanghai");
        command.env("TENCENTCLOUD_SECRET_ID", "AKIDexample").env("TENCENTCLOUD_SECRET_KEY", "not-a-real-key");
        command
    }
}

fn serve(client: &TcpStream, answer: &impl Fn(&str) -> Value) -> io::Result<()> {
    let mut requests = BufReader::new(client);
    loop {
        let (_, request) = message(&mut requests)?;
        let request = String::from_utf8_lossy(&request);
        let is_action = |line: &&str| line.to_lowercase().starts_with("x-tc-action:");
        let action = request.lines().find(is_action).map_or("", |line| line["x-tc-action:".len()..].trim());
        let mut response = answer(action);
        if response.get("RequestId").is_none() {
            response["RequestId"] = "r-1".into();
        }
        let body = json!({ "Response": response }).to_string();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json";
        write!(&mut &*client, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())?;
    }
}
