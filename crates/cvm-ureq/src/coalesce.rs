//! An exchange on an open connection with fewer system calls and fewer packets than ureq makes by itself.

use std::fmt;

use cvm_proto::ProxyAddress;
use ureq::http::Uri;
use ureq::unversioned::transport::{Buffers, NextTimeout, Transport};

/// The most that is held back to go out in one piece, in bytes: a TLS record.
const MAX_GATHERED_BYTES: usize = 16 << 10;

/// A transport that gathers what goes out.
///
/// ureq sends a request's head, and then its body: here both go out together, when the answer is waited for or there is
/// much to send. And ureq looks twice whether a connection is open, after one exchange and before the next: here the
/// second look is the one that looks.
pub(crate) struct Coalescing<T> {
    transport: T,
    /// What ureq has sent and the transport has not.
    held: Vec<u8>,
    used: bool,
    /// What requests have where they go to a proxy.
    form: Option<ProxyRequestForm>,
}

/// How a request to a proxy differs from one to its host: it names the host in its first line, and whoever asks.
pub(crate) struct ProxyRequestForm {
    origin: String,
    authorization: String,
    /// Whether the first line of the request is out.
    is_named: bool,
}

impl ProxyRequestForm {
    pub(crate) fn new(proxy: &ProxyAddress, uri: &Uri) -> Self {
        let host = uri.authority().map_or("", |authority| authority.as_str());
        let authorization = proxy.authorization();
        let authorization = authorization.map(|value| format!("proxy-authorization: {}\r\n", value.as_str()));
        Self {
            origin: format!("http://{host}"),
            authorization: authorization.unwrap_or_default(),
            is_named: false,
        }
    }

    /// Completes the first line in what is held of a request; `false` if it is not all there yet.
    fn name(&mut self, held: &mut Vec<u8>) -> bool {
        if !self.is_named
            && let Some(end) = held.windows(2).position(|two| two == b"\r\n")
            && let Some(space) = held[..end].iter().position(|&byte| byte == b' ')
        {
            let (target, headers) = (space + 1, end + 2);
            held.splice(headers..headers, self.authorization.bytes());
            held.splice(target..target, self.origin.bytes());
            self.is_named = true;
        }
        self.is_named
    }
}

impl<T: Transport> Coalescing<T> {
    pub(crate) fn new(transport: T) -> Self {
        Self { transport, held: Vec::new(), used: false, form: None }
    }

    /// The same, to a proxy that is asked itself.
    pub(crate) fn to_proxy(transport: T, form: ProxyRequestForm) -> Self {
        Self { form: Some(form), ..Self::new(transport) }
    }

    fn flush(&mut self, timeout: NextTimeout) -> Result<(), ureq::Error> {
        let mut rest = &*self.held;
        while !rest.is_empty() {
            let output = self.transport.buffers().output();
            let (piece, after) = rest.split_at(rest.len().min(output.len()));
            output[..piece.len()].copy_from_slice(piece);
            self.transport.transmit_output(piece.len(), timeout)?;
            rest = after;
        }
        self.held.clear();
        Ok(())
    }
}

impl<T: Transport> Transport for Coalescing<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.used = true;
        self.held.extend_from_slice(&self.transport.buffers().output()[..amount]);
        let is_named = self.form.as_mut().is_none_or(|form| form.name(&mut self.held));
        if is_named && self.held.len() > MAX_GATHERED_BYTES { self.flush(timeout) } else { Ok(()) }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.flush(timeout)?;
        // What is sent after an answer is a request of its own.
        if let Some(form) = &mut self.form {
            form.is_named = false;
        }
        self.transport.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        std::mem::take(&mut self.used) || self.transport.is_open()
    }

    fn is_tls(&self) -> bool {
        self.transport.is_tls()
    }
}

impl<T: fmt::Debug> fmt::Debug for Coalescing<T> {
    /// Shows how much is held back, not what: it has a signature in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.held.len();
        f.debug_struct("Coalescing")
            .field("transport", &self.transport)
            .field("held", &held)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use ureq::unversioned::transport::LazyBuffers;

    type Sent = Arc<Mutex<Vec<Vec<u8>>>>;

    /// Writes down what goes out; its peer has closed it.
    struct Recorder {
        buffers: LazyBuffers,
        sent: Sent,
    }

    impl fmt::Debug for Recorder {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Recorder")
        }
    }

    impl Transport for Recorder {
        fn buffers(&mut self) -> &mut dyn Buffers {
            &mut self.buffers
        }

        fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), ureq::Error> {
            self.sent.lock().unwrap().push(self.buffers.output()[..amount].to_vec());
            Ok(())
        }

        fn await_input(&mut self, _: NextTimeout) -> Result<bool, ureq::Error> {
            Ok(false)
        }

        fn is_open(&mut self) -> bool {
            false
        }
    }

    fn coalescing() -> (Coalescing<Recorder>, Sent) {
        let sent = Arc::default();
        let recorder = Recorder { buffers: LazyBuffers::new(1 << 10, 24 << 10), sent: Arc::clone(&sent) };
        (Coalescing::new(recorder), sent)
    }

    fn send(transport: &mut Coalescing<Recorder>, bytes: &[u8]) {
        transport.buffers().output()[..bytes.len()].copy_from_slice(bytes);
        transport.transmit_output(bytes.len(), NextTimeout::default()).unwrap();
    }

    #[test]
    fn head_and_body_go_out_together() {
        let (mut transport, sent) = coalescing();
        for exchange in 1..=2 {
            send(&mut transport, b"head ");
            send(&mut transport, b"body");
            transport.await_input(NextTimeout::default()).unwrap();
            assert_eq!(*sent.lock().unwrap(), vec![b"head body".to_vec(); exchange]);
        }
    }

    #[test]
    fn a_long_body_goes_out_in_order_before_the_answer_is_waited_for() {
        let (mut transport, sent) = coalescing();
        let body: Vec<u8> = (0..=250).cycle().take(100_000).collect();
        send(&mut transport, b"head ");
        for part in body.chunks(24 << 10) {
            send(&mut transport, part);
        }
        let early = sent.lock().unwrap().concat().len();
        assert!(early + MAX_GATHERED_BYTES >= body.len(), "{early} bytes went out");
        transport.await_input(NextTimeout::default()).unwrap();
        assert_eq!(sent.lock().unwrap().concat(), [b"head ".as_slice(), &body].concat());
    }

    #[test]
    fn debug_shows_nothing_of_a_request() {
        let (mut transport, _) = coalescing();
        send(&mut transport, &[b's'; 77]);
        let shown = format!("{transport:?}");
        assert!(shown.contains("held: 77") && !shown.contains("115, 115"), "{shown}");
    }

    #[test]
    fn only_the_look_before_an_exchange_asks_the_transport() {
        let (mut transport, _) = coalescing();
        send(&mut transport, b"head");
        assert!(transport.is_open(), "the look after an exchange");
        assert!(!transport.is_open(), "the look before the next");
    }
}
