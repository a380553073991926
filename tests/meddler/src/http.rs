//! As much HTTP/1.1 as it takes to read a message whole, and to write it again.

use std::io::{self, BufRead, Read, Write};

/// A request or a response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    /// The request line or the status line.
    pub(crate) first: String,
    /// As they came, in their order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Message {
    /// A response.
    pub(crate) fn response(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            first: format!("HTTP/1.1 {status} Status"),
            headers: vec![("content-type".into(), content_type.into())],
            body: body.into(),
        }
    }

    /// Reads a message; `None` if the other side has closed the connection instead.
    pub(crate) fn read(stream: &mut impl BufRead) -> io::Result<Option<Self>> {
        let Some(first) = line(stream)? else { return Ok(None) };
        let mut message = Self { first, ..Self::default() };
        loop {
            let line = line(stream)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or(io::ErrorKind::InvalidData)?;
            message.headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let length = message.header("content-length").map_or(Ok(0), str::parse::<usize>);
        message.body = vec![0; length.map_err(|_| io::ErrorKind::InvalidData)?];
        stream.read_exact(&mut message.body)?;
        Ok(Some(message))
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// The status of a response.
    pub(crate) fn status(&self) -> Option<u16> {
        self.first.split(' ').nth(1)?.parse().ok()
    }

    /// Writes it, with the length of its body, and no other header about the connection than `connection`.
    pub(crate) fn write(&self, to: &mut impl Write, connection: Option<&str>) -> io::Result<()> {
        to.write_all(&self.head(connection))?;
        to.write_all(&self.body)?;
        to.flush()
    }

    /// Writes a part of it that ends in the middle of the body.
    pub(crate) fn write_half(&self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(&self.head(None))?;
        to.write_all(&self.body[..self.body.len() / 2])?;
        to.flush()
    }

    fn head(&self, connection: Option<&str>) -> Vec<u8> {
        let mut head = format!("{}\r\n", self.first);
        for (name, value) in &self.headers {
            let own = ["connection", "content-length", "keep-alive", "proxy-connection", "transfer-encoding"];
            if !own.iter().any(|own| name.eq_ignore_ascii_case(own)) {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        if let Some(connection) = connection {
            head.push_str(&format!("connection: {connection}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", self.body.len()));
        head.into_bytes()
    }
}

/// One line without its end; `None` at the end of the stream.
fn line(stream: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    // A head that never ends is no test's.
    if stream.take(64 << 10).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.pop() != Some(b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map(Some).map_err(|_| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_written_as_it_was_read() {
        let text = "POST / HTTP/1.1\r\nHost: a:1\r\nX-TC-Action: A\r\nConnection: keep-alive\r\ncontent-length: 2\r\n\r\n{}";
        let message = Message::read(&mut text.as_bytes()).unwrap().unwrap();
        assert_eq!(message.header("x-tc-action"), Some("A"));
        let mut written = Vec::new();
        message.write(&mut written, Some("close")).unwrap();
        let expected = "POST / HTTP/1.1\r\nHost: a:1\r\nX-TC-Action: A\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }

    #[test]
    fn what_breaks_off_is_no_message() {
        assert!(Message::read(&mut &b""[..]).unwrap().is_none());
        for broken in [
            "POST / HT",
            "POST / HTTP/1.1\r\nHost: a\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nhalf",
        ] {
            assert!(Message::read(&mut broken.as_bytes()).is_err(), "{broken}");
        }
    }
}
