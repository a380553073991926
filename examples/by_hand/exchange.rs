//! One HTTP/1.1 exchange over a bare `TcpStream`: plain HTTP, one connection for each request.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use cvm_proto::machine::{Failure, FailureKind};
use cvm_proto::{Reply, Request, Response};

/// The longest status or header line that is read.
const LONGEST_LINE: u64 = 16 << 10;

/// Sends the request as it is and reads the whole response.
pub(crate) fn perform(request: &Request) -> Reply {
    let deadline = Instant::now() + request.timeout();
    let connected = connect(request, deadline)
        .map_err(|error| Failure::not_sent(FailureKind::Connect, error.to_string()));
    let outcome = connected.and_then(|stream| {
        let mut stream = Timed { stream, deadline };
        send(request, &mut stream)
            .and_then(|()| receive(BufReader::new(stream), request.max_response_bytes()))
            .map_err(|error| {
                let kind = match error.kind() {
                    ErrorKind::TimedOut | ErrorKind::WouldBlock => FailureKind::Timeout,
                    ErrorKind::FileTooLarge => FailureKind::TooLarge,
                    _ => FailureKind::Interrupted,
                };
                Failure::maybe_sent(kind, error.to_string())
            })
    });
    match outcome {
        Ok(response) => Reply::Response(response),
        Err(failure) => Reply::Failed(failure),
    }
}

fn connect(request: &Request, deadline: Instant) -> io::Result<TcpStream> {
    if !request.origin().url().starts_with("http://") {
        return Err(io::Error::other(
            "TLS needs more than a few lines: this exchange speaks plain HTTP only",
        ));
    }
    let host = request.origin().host();
    // A colon inside `[::1]` is no port's.
    let has_port = host.rfind(':').is_some_and(|colon| host.rfind(']').is_none_or(|bracket| bracket < colon));
    let address = if has_port { host.to_owned() } else { format!("{host}:80") };
    let mut last = io::Error::new(ErrorKind::NotFound, "the host has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, left(deadline)?) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn send(request: &Request, stream: &mut Timed) -> io::Result<()> {
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method().as_str(), request.target());
    for (name, value) in request.headers() {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", request.body().len()));
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(request.body());
    stream.write_all(&bytes)
}

fn receive(mut stream: BufReader<Timed>, most: usize) -> io::Result<Response> {
    let status_line = line(&mut stream)?;
    let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status: u16 = status.ok_or_else(|| malformed("the status line is none of HTTP"))?;
    let mut headers = Vec::new();
    loop {
        let line = line(&mut stream)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or_else(|| malformed("a header has no colon"))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let header =
        |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let mut body = Vec::new();
    if header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        loop {
            let size = line(&mut stream)?;
            let size = size.split(';').next().and_then(|size| u64::from_str_radix(size.trim(), 16).ok());
            match size.ok_or_else(|| malformed("a chunk has no size"))? {
                0 => break,
                size => append(&mut stream, size, most, &mut body)?,
            }
            line(&mut stream)?;
        }
    } else if let Some(length) = header("content-length") {
        let length = length.parse().map_err(|_| malformed("the content length is no number"))?;
        append(&mut stream, length, most, &mut body)?;
    } else {
        stream.take(most as u64 + 1).read_to_end(&mut body)?;
        if body.len() > most {
            return Err(too_large(most));
        }
    }
    Ok(headers
        .iter()
        .fold(Response::new(status, body), |response, (name, value)| response.header(name, value)))
}

/// Reads exactly `size` more bytes of the body.
fn append(stream: &mut BufReader<Timed>, size: u64, most: usize, body: &mut Vec<u8>) -> io::Result<()> {
    if size > (most - body.len()) as u64 {
        return Err(too_large(most));
    }
    if stream.take(size).read_to_end(body)? as u64 == size { Ok(()) } else { Err(cut_off()) }
}

/// Reads a line of the response's head, without its end.
fn line(stream: &mut BufReader<Timed>) -> io::Result<String> {
    let mut line = String::new();
    stream.take(LONGEST_LINE).read_line(&mut line)?;
    match line.strip_suffix('\n') {
        Some(line) => Ok(line.trim_end_matches('\r').to_owned()),
        None => Err(cut_off()),
    }
}

fn cut_off() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "the connection was closed before the whole answer was there")
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

fn too_large(most: usize) -> io::Error {
    io::Error::new(ErrorKind::FileTooLarge, format!("the answer is larger than {most} bytes"))
}

fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        Err(io::Error::new(ErrorKind::TimedOut, "no whole answer in time"))
    } else {
        Ok(left)
    }
}

/// A stream on which each read and write may take what is left until the deadline.
struct Timed {
    stream: TcpStream,
    deadline: Instant,
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(left(self.deadline)?))?;
        self.stream.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(left(self.deadline)?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
