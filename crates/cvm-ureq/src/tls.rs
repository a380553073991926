//! TLS over a connection.
//!
//! ureq has this as well, but makes its own configuration of rustls from what it knows of trust; ours is that of every
//! client (`cvm_shell::tls_config`).

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use ureq::Error;
use ureq::config::Config;
use ureq::unversioned::transport::{Buffers, LazyBuffers, NextTimeout, Transport, TransportAdapter};

/// Speaks TLS to a host over a connection to it.
pub(crate) fn connect(
    tls: &Arc<ClientConfig>,
    host: &str,
    config: &Config,
    mut connection: TransportAdapter,
) -> io::Result<TlsTransport> {
    // An address of IPv6 has brackets in a URL alone.
    let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned());
    let name = name.map_err(|_| io::Error::other(rustls::Error::UnsupportedNameType))?;
    let mut session = ClientConnection::new(Arc::clone(tls), name).map_err(io::Error::other)?;
    session.complete_io(&mut connection)?;
    let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
    Ok(TlsTransport { buffers, stream: StreamOwned::new(session, connection) })
}

/// A connection over TLS.
pub(crate) struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.sock.set_timeout(timeout);
        self.stream.write_all(&self.buffers.output()[..amount])?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.sock.set_timeout(timeout);
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsTransport").field("transport", self.stream.sock.get_ref()).finish_non_exhaustive()
    }
}
