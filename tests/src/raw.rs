//! A listener whose connections are handled byte by byte.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// A listener on a free port of this machine; it takes no new connection once it is dropped.
pub struct Raw {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
}

impl Raw {
    /// Hands each connection to `serve`, in a thread of its own.
    pub fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stopped, serve) = (Arc::new(AtomicBool::new(false)), Arc::new(serve));
        thread::spawn({
            let stopped = Arc::clone(&stopped);
            move || {
                for client in listener.incoming() {
                    if stopped.load(Ordering::SeqCst) {
                        return;
                    }
                    let (Ok(client), serve) = (client, Arc::clone(&serve)) else { continue };
                    thread::spawn(move || serve(client));
                }
            }
        });
        Self { address, stopped }
    }

    /// Writes these bytes once a client has sent something, and then nothing more until the client has gone.
    pub fn says(bytes: &[u8]) -> Self {
        let bytes = bytes.to_vec();
        Self::start(move |mut client| {
            if client.read(&mut [0; 4096]).is_ok() && client.write_all(&bytes).is_ok() {
                wait_for_end(&mut client);
            }
        })
    }

    /// Writes these bytes once a client has sent its request but for its last byte, and then resets the connection: that
    /// is what happens to one that is closed with something left to read.
    pub fn resets_after(bytes: &[u8]) -> Self {
        let bytes = bytes.to_vec();
        Self::start(move |mut client| {
            if read_all_but_one(&mut client).is_some() {
                // The client may have gone.
                let _ = client.write_all(&bytes);
            }
        })
    }

    /// Host and port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        let _ = TcpStream::connect(self.address);
    }
}

/// Reads until the client closes the connection.
pub fn wait_for_end(client: &mut TcpStream) {
    while client.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {}
}

fn read_all_but_one(client: &mut TcpStream) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let (_, length) = head.split_once("content-length: ")?;
    let length: usize = length.split("\r\n").next()?.parse().ok()?;
    client.read_exact(&mut vec![0; length.checked_sub(1)?]).ok()
}
