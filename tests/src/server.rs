//! An HTTP server that misbehaves as a script says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What to do about a request.
pub enum Act {
    /// Write these bytes, a whole response, and keep the connection.
    Answer(Vec<u8>),
    /// Write these bytes and close the connection.
    Close(Vec<u8>),
    /// Write these bytes and then nothing more, until the client gives up.
    Stall(Vec<u8>),
    /// Write the first bytes, and then the second again and again until the client gives up.
    Endless(Vec<u8>, Vec<u8>),
}

impl Act {
    /// A response of status 200 with this body.
    pub fn ok(body: &str) -> Self {
        Self::Answer(response(200, "", body))
    }

    /// An error in the envelope, with status 200 as the service has it.
    pub fn refuse(code: &str) -> Self {
        Self::ok(&refusal(code))
    }

    /// A response of another status, such as a gateway's.
    pub fn status(status: u16) -> Self {
        Self::Answer(response(status, "content-type: text/html\r\n", "<html><body>oops</body></html>"))
    }
}

/// The bytes of a response. `headers` is empty or ends with a line break.
pub fn response(status: u16, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Status\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// The body of an error.
pub fn refusal(code: &str) -> String {
    format!(
        r#"{{"Response":{{"Error":{{"Code":"{code}","Message":"as scripted"}},"RequestId":"r-refused"}}}}"#
    )
}

/// An answer that every `Describe...Images` and `SyncImages` understands.
pub const EMPTY: &str = r#"{"Response":{"ImageSet":[],"TotalCount":0,"RequestId":"r-fine"}}"#;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// The connection it came on, counted from 0.
    pub connection: usize,
    /// The request line.
    pub line: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Received {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

type Script = dyn Fn(usize, &Received) -> Act + Send + Sync;

struct Shared {
    script: Box<Script>,
    tls: Option<Arc<ServerConfig>>,
    stopped: AtomicBool,
    connections: AtomicUsize,
    closed: (Mutex<usize>, Condvar),
    received: Mutex<Vec<Received>>,
    open: Mutex<Vec<TcpStream>>,
}

/// A server on a free port of this machine; it stops when it is dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server that asks `script` about each request; requests are counted from 0.
    pub fn start(script: impl Fn(usize, &Received) -> Act + Send + Sync + 'static) -> Self {
        Self::launch(Box::new(script), None)
    }

    /// The same over TLS.
    pub fn start_tls(
        tls: ServerConfig,
        script: impl Fn(usize, &Received) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self::launch(Box::new(script), Some(Arc::new(tls)))
    }

    fn launch(script: Box<Script>, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let shared = Arc::new(Shared {
            script,
            tls,
            stopped: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            closed: Default::default(),
            received: Mutex::default(),
            open: Mutex::default(),
        });
        let address = listener.local_addr().unwrap();
        let acceptor = thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.accept(&listener)
        });
        Self { address, shared, acceptor: Some(acceptor) }
    }

    /// Where it is.
    pub fn endpoint(&self) -> String {
        let scheme = if self.shared.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The requests that arrived whole, in order.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Sends until a request comes on a connection that an earlier one came on. A connection may come back to its pool a
    /// moment after the answer: a request that is sent before makes one of its own.
    pub fn wait_for_reuse(&self, mut send: impl FnMut()) {
        let is_reused = |_| {
            send();
            let received = self.received();
            let (last, earlier) = received.split_last().unwrap();
            earlier.iter().any(|request| request.connection == last.connection)
        };
        assert!((0..50).any(is_reused), "50 requests came on as many connections");
    }

    /// Waits until the server has closed this many connections; gives up after ten seconds.
    pub fn wait_for_closed(&self, count: usize) {
        let (closed, changed) = &self.shared.closed;
        let limit = Duration::from_secs(10);
        let (closed, _) =
            changed.wait_timeout_while(closed.lock().unwrap(), limit, |closed| *closed < count).unwrap();
        assert!(*closed >= count, "{} of {count} connections were closed", *closed);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        let _ = TcpStream::connect(self.address);
        for stream in self.shared.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.stopped.load(Ordering::SeqCst) {
                return;
            }
            let Ok(stream) = stream else { continue };
            stream.set_nodelay(true).unwrap();
            self.open.lock().unwrap().push(stream.try_clone().unwrap());
            let connection = self.connections.fetch_add(1, Ordering::SeqCst);
            let shared = Arc::clone(self);
            thread::spawn(move || match shared.tls.clone() {
                None => shared.serve(stream.try_clone().unwrap(), &stream, connection),
                Some(tls) => {
                    let session = ServerConnection::new(tls).unwrap();
                    let secure = StreamOwned::new(session, stream.try_clone().unwrap());
                    shared.serve(secure, &stream, connection);
                }
            });
        }
    }

    fn serve(&self, stream: impl Read + Write, socket: &TcpStream, connection: usize) {
        let mut stream = BufReader::new(stream);
        while let Some(request) = read_request(&mut stream, connection) {
            let number = {
                let mut received = self.received.lock().unwrap();
                received.push(request.clone());
                received.len() - 1
            };
            let out = stream.get_mut();
            let go_on = match (self.script)(number, &request) {
                Act::Answer(bytes) => out.write_all(&bytes).and_then(|()| out.flush()).is_ok(),
                Act::Close(bytes) => {
                    let _ = out.write_all(&bytes).and_then(|()| out.flush());
                    false
                }
                Act::Stall(bytes) => {
                    let _ = out.write_all(&bytes).and_then(|()| out.flush());
                    // Ends when the client closes the connection, or the server is dropped.
                    let _ = out.read(&mut [0]);
                    false
                }
                Act::Endless(first, again) => {
                    let mut going = out.write_all(&first);
                    while going.is_ok() {
                        going = out.write_all(&again);
                    }
                    false
                }
            };
            if !go_on {
                break;
            }
        }
        let _ = socket.shutdown(Shutdown::Both);
        *self.closed.0.lock().unwrap() += 1;
        self.closed.1.notify_all();
    }
}

/// Reads a request; `None` at the end of the connection.
fn read_request(stream: &mut impl BufRead, connection: usize) -> Option<Received> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|&read| read > 0)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut lines = lines.into_iter();
    let line = lines.next()?;
    let headers: Vec<_> = lines
        .filter_map(|line| {
            line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        })
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, value)| value.parse().unwrap())];
    stream.read_exact(&mut body).ok()?;
    Some(Received { connection, line, headers, body })
}
