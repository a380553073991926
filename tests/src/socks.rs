//! A small SOCKS proxy, version 5: with or without a user, for `CONNECT` alone.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A proxy on a free port of this machine; it takes no new connection once it is dropped.
pub struct Socks {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
    asked: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
struct Rules {
    target: Option<String>,
    user: Option<(String, String)>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Socks {
    /// Starts a proxy that leads every connection to `target`, whatever host it is asked for; without one it says that it
    /// cannot reach the host. A user has to say who it is, if one is given.
    pub fn start(target: Option<&str>, user: Option<(&str, &str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stopped = Arc::new(AtomicBool::new(false));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let rules = Rules {
            target: target.map(str::to_owned),
            user: user.map(|(user, password)| (user.to_owned(), password.to_owned())),
            asked: Arc::clone(&asked),
        };
        thread::spawn({
            let stopped = Arc::clone(&stopped);
            move || {
                for client in listener.incoming() {
                    if stopped.load(Ordering::SeqCst) {
                        return;
                    }
                    let rules = rules.clone();
                    // A client that goes away in the middle is no failure of the proxy.
                    thread::spawn(move || client.and_then(|client| serve(client, &rules)));
                }
            }
        });
        Self { address, stopped, asked }
    }

    /// Where it is, without a scheme.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The hosts and ports that it was asked for.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Socks {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        let _ = TcpStream::connect(self.address);
    }
}

fn read<const N: usize>(client: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    client.read_exact(&mut bytes).map(|()| bytes)
}

fn text(client: &mut TcpStream) -> io::Result<String> {
    let [length] = read(client)?;
    let mut bytes = vec![0; usize::from(length)];
    client.read_exact(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn serve(mut client: TcpStream, rules: &Rules) -> io::Result<()> {
    let [_, count] = read(&mut client)?;
    let mut offered = vec![0; usize::from(count)];
    client.read_exact(&mut offered)?;
    let method = if rules.user.is_some() { 2 } else { 0 };
    if !offered.contains(&method) {
        return client.write_all(&[5, 0xFF]);
    }
    client.write_all(&[5, method])?;
    if let Some(known) = &rules.user {
        read::<1>(&mut client)?;
        let claimed = (text(&mut client)?, text(&mut client)?);
        let wrong = u8::from(claimed != *known);
        client.write_all(&[1, wrong])?;
        if wrong > 0 {
            return Ok(());
        }
    }
    let [_, _, _, kind] = read(&mut client)?;
    let host = match kind {
        1 => Ipv4Addr::from(read::<4>(&mut client)?).to_string(),
        4 => Ipv6Addr::from(read::<16>(&mut client)?).to_string(),
        _ => text(&mut client)?,
    };
    let port = u16::from_be_bytes(read(&mut client)?);
    rules.asked.lock().unwrap().push(format!("{host}:{port}"));
    let Some(target) = &rules.target else { return client.write_all(&[5, 4, 0, 1, 0, 0, 0, 0, 0, 0]) };
    let mut server = TcpStream::connect(target)?;
    client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0])?;
    let (mut from_server, mut to_client) = (server.try_clone()?, client.try_clone()?);
    let back = thread::spawn(move || {
        let _ = io::copy(&mut from_server, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Both);
    });
    let _ = io::copy(&mut client, &mut server);
    let _ = server.shutdown(Shutdown::Both);
    let _ = back.join();
    Ok(())
}
