//! One HTTP/1.1 exchange over a bare `TcpStream`: plain HTTP, one connection for each request.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use cvm_proto::machine::{Cause, Fault};
use cvm_proto::{Reply, Request, Response};

/// The longest status or header line that is read.
const LONGEST_LINE: u64 = 16 << 10;

/// Sends the request as it is and reads the whole response.
pub(crate) fn perform(request: &Request) -> Reply {
    let deadline = Instant::now() + request.timeout();
    let outcome = connect(request, deadline).map_err(Fault::not_sent).and_then(|stream| {
        let mut stream = Timed { stream, deadline };
        send(request, &mut stream)
            .map_err(|error| cause(&error, Cause::NoAnswer))
            .and_then(|()| receive(BufReader::new(stream), request.max_response_bytes()))
            .map_err(Fault::maybe_sent)
    });
    match outcome {
        Ok(response) => Reply::Response(response),
        // The core knows what to say of it.
        Err(fault) => Reply::Failed(request.failure(fault)),
    }
}

fn connect(request: &Request, deadline: Instant) -> Result<TcpStream, Cause> {
    if !request.origin().url().starts_with("http://") {
        // TLS needs more than a few lines: this exchange speaks plain HTTP only.
        return Err(Cause::Unsendable("URL"));
    }
    let host = request.origin().host();
    // A colon inside `[::1]` is no port's.
    let has_port = host.rfind(':').is_some_and(|colon| host.rfind(']').is_none_or(|bracket| bracket < colon));
    let address = if has_port { host.to_owned() } else { format!("{host}:80") };
    let mut last = Cause::Resolve;
    for address in address.to_socket_addrs().map_err(|_| Cause::Resolve)? {
        let left = left(deadline).map_err(|_| Cause::Timeout)?;
        match TcpStream::connect_timeout(&address, left).and_then(|stream| {
            stream.set_nodelay(true)?;
            Ok(stream)
        }) {
            Ok(stream) => return Ok(stream),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => last = Cause::Refused,
            Err(error) => last = cause(&error, Cause::Unreachable),
        }
    }
    Err(last)
}

/// What an error of a connection means: that the time is over, or what it usually means here.
fn cause(error: &io::Error, usual: Cause) -> Cause {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Cause::Timeout,
        ErrorKind::FileTooLarge => Cause::TooLarge,
        ErrorKind::InvalidData => Cause::NotHttp,
        _ => usual,
    }
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

fn receive(mut stream: BufReader<Timed>, most: usize) -> Result<Response, Cause> {
    let (status, headers) = head(&mut stream).map_err(|error| cause(&error, Cause::NoAnswer))?;
    let body = body(&mut stream, &headers, most).map_err(|error| match cause(&error, Cause::CutOff) {
        Cause::NotHttp => Cause::CutOff,
        cause => cause,
    })?;
    Ok(headers
        .iter()
        .fold(Response::new(status, body), |response, (name, value)| response.header(name, value)))
}

type Headers = Vec<(String, String)>;

fn head(stream: &mut BufReader<Timed>) -> io::Result<(u16, Headers)> {
    const BEGINNING: &[u8] = b"HTTP/1.";
    let first = stream.fill_buf()?;
    if !first.is_empty() && !BEGINNING.iter().zip(first).all(|(expected, byte)| expected == byte) {
        return Err(malformed("the answer does not begin as HTTP"));
    }
    let status = line(stream)?.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| malformed("the status line is none of HTTP"))?;
    let mut headers = Vec::new();
    loop {
        let line = line(stream)?;
        if line.is_empty() {
            return Ok((status, headers));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| malformed("a header has no colon"))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn body(stream: &mut BufReader<Timed>, headers: &Headers, most: usize) -> io::Result<Vec<u8>> {
    let header =
        |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let mut body = Vec::new();
    if header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
        loop {
            let size = line(stream)?;
            let size = size.split(';').next().and_then(|size| u64::from_str_radix(size.trim(), 16).ok());
            match size.ok_or_else(|| malformed("a chunk has no size"))? {
                0 => break,
                size => append(stream, size, most, &mut body)?,
            }
            line(stream)?;
        }
    } else if let Some(length) = header("content-length") {
        let length = length.parse().map_err(|_| malformed("the content length is no number"))?;
        append(stream, length, most, &mut body)?;
    } else {
        stream.take(most as u64 + 1).read_to_end(&mut body)?;
        if body.len() > most {
            return Err(too_large());
        }
    }
    Ok(body)
}

/// Reads exactly `size` more bytes of the body.
fn append(stream: &mut BufReader<Timed>, size: u64, most: usize, body: &mut Vec<u8>) -> io::Result<()> {
    if size > (most - body.len()) as u64 {
        return Err(too_large());
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

fn too_large() -> io::Error {
    ErrorKind::FileTooLarge.into()
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
