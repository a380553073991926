//! A way to an endpoint on which requests get lost.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use cvm_local::CvmLocal;

use crate::command::at;

/// Passes requests on to an endpoint, but for those of one action: they are never answered, and nobody hears of them.
pub(crate) struct Hanging {
    url: String,
    requests: Receiver<()>,
}

impl Hanging {
    pub(crate) fn at(local: &CvmLocal, action: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let target = local.endpoint().trim_start_matches("http://").to_owned();
        let (arrives, requests) = mpsc::channel();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (target, arrives) = (target.clone(), arrives.clone());
                // A client that goes away is no failure of the way.
                thread::spawn(move || pass(&client, &target, action, &arrives));
            }
        });
        Self { url, requests }
    }

    /// The program with what leads it there.
    pub(crate) fn command(&self, local: &CvmLocal, args: &[&str]) -> Command {
        let mut command = at(local, args);
        command.env("TENCENTCLOUD_ENDPOINT", &self.url);
        command
    }

    /// Waits until a request hangs.
    pub(crate) fn wait(&self) {
        self.requests.recv_timeout(Duration::from_secs(60)).expect("no request hangs");
    }
}

fn pass(client: &TcpStream, target: &str, action: &str, arrives: &Sender<()>) -> io::Result<()> {
    let mut from_client = BufReader::new(client);
    loop {
        let (head, request) = message(&mut from_client)?;
        if head.contains(&format!("x-tc-action: {}\r\n", action.to_lowercase())) {
            let _ = arrives.send(());
            // Until the client goes away.
            return from_client.read_to_end(&mut Vec::new()).map(drop);
        }
        let mut server = TcpStream::connect(target)?;
        server.write_all(&request)?;
        let (_, response) = message(&mut BufReader::new(server))?;
        (&mut &*client).write_all(&response)?;
    }
}

/// One whole message: its head in lower case, and all of it as it came.
pub(crate) fn message(stream: &mut impl BufRead) -> io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read_until(b'\n', &mut bytes)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let head = String::from_utf8_lossy(&bytes).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: u64 = length.map_or(0, |length| length.trim().parse().unwrap());
    stream.take(length).read_to_end(&mut bytes)?;
    Ok((head, bytes))
}
