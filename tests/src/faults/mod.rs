//! Everything that a network does to a request, and what is to be said of it: by every client, and by the command.
//!
//! A fault starts whoever misbehaves and says which settings lead there. Each sentence stands here once, whole.

mod answers;
mod connections;
mod proxies;

use std::any::Any;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use cvm_proto::{Endpoint, Settings};

use rustls::ServerConfig;

use crate::server::{Act, Server, response};
use crate::{SECRET_ID, SECRET_KEY, settings};

/// What a network does.
pub struct Fault {
    /// What a test is called by it.
    pub name: &'static str,
    /// Whether a client without TLS and proxies meets it as well.
    pub is_plain: bool,
    begin: fn() -> Stage,
}

/// A fault that is there to be met.
pub struct Stage {
    endpoint: String,
    proxy: Option<String>,
    ca_pem: Option<String>,
    limits: Vec<(&'static str, Duration)>,
    said: String,
    status: Option<u16>,
    /// How often a request that is safe to repeat is sent.
    pub attempts: u32,
    /// What has to stay while it is met.
    kept: Vec<Box<dyn Any + Send + Sync>>,
}

impl Fault {
    /// Starts whoever misbehaves.
    pub fn begin(&self) -> Stage {
        (self.begin)()
    }
}

impl Stage {
    fn new(endpoint: impl Into<String>, said: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            proxy: None,
            ca_pem: None,
            limits: Vec::new(),
            said: said.into(),
            status: None,
            attempts: 3,
            kept: Vec::new(),
        }
    }

    fn once(mut self) -> Self {
        self.attempts = 1;
        self
    }

    fn keeping(mut self, kept: impl Any + Send + Sync) -> Self {
        self.kept.push(Box::new(kept));
        self
    }

    fn proxy(mut self, proxy: impl Into<String>) -> Self {
        self.proxy = Some(proxy.into());
        self
    }

    fn ca(mut self, pem: String) -> Self {
        self.ca_pem = Some(pem);
        self
    }

    fn limit(mut self, setting: &'static str, millis: u64) -> Self {
        self.limits.push((setting, Duration::from_millis(millis)));
        self
    }

    fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// What is said of `DescribeImages` in ap-shanghai: one sentence.
    pub fn sentence(&self) -> String {
        let status = self.status.map(|status| format!("HTTP {status}"));
        let attempts = (self.attempts > 1).then(|| format!("after {} attempts", self.attempts));
        let details: Vec<_> = status.into_iter().chain(attempts).collect();
        let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join(", ")) };
        format!("DescribeImages in ap-shanghai: {}{details}", self.said)
    }

    /// What leads a client there.
    pub fn settings(&self) -> Settings {
        let mut settings = settings("http://cvm.invalid");
        settings.endpoint = Endpoint::explicit(&self.endpoint).unwrap();
        settings.proxy.clone_from(&self.proxy);
        settings.ca_pem = self.ca_pem.clone().map(String::into_bytes);
        for (setting, limit) in &self.limits {
            match *setting {
                "connect_timeout" => settings.connect_timeout = *limit,
                "attempt_timeout" => settings.attempt_timeout = *limit,
                _ => settings.call_timeout = *limit,
            }
        }
        settings
    }

    /// The environment that leads the command there; it may need a file in `folder`.
    pub fn variables(&self, folder: &Path) -> Vec<(String, String)> {
        let mut variables = vec![
            ("ENDPOINT".to_owned(), self.endpoint.clone()),
            ("REGION".to_owned(), "ap-shanghai".to_owned()),
            ("SECRET_ID".to_owned(), SECRET_ID.to_owned()),
            ("SECRET_KEY".to_owned(), SECRET_KEY.to_owned()),
        ];
        variables.extend(self.proxy.clone().map(|proxy| ("PROXY".to_owned(), proxy)));
        if let Some(pem) = &self.ca_pem {
            let file = folder.join("authority.pem");
            fs::write(&file, pem).unwrap();
            variables.push(("CA_FILE".to_owned(), file.to_str().unwrap().to_owned()));
        }
        let limits = self.limits.iter();
        variables.extend(
            limits.map(|(setting, limit)| (setting.to_uppercase(), format!("{}ms", limit.as_millis()))),
        );
        variables.into_iter().map(|(name, value)| (format!("TENCENTCLOUD_{name}"), value)).collect()
    }
}

/// A port on which nobody listens.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Every fault that there is.
pub fn all() -> impl Iterator<Item = &'static Fault> {
    [answers::ALL, connections::ALL, proxies::ALL].into_iter().flatten()
}

const INSTEAD_OF_HTTPS: &str = "write http:// in place of https://";
const INSTEAD_OF_HTTP: &str = "write https:// in place of http://";
const TRUST: &str = "if that is the right host, name the file with the authority's certificate (`--ca-file`, the setting ca_file; ca_pem in a program)";
const HTML: &str = "<html>no</html>";

/// A server of TLS: its host and port, itself, and the authority to trust.
fn tls((config, authority): (ServerConfig, String)) -> (String, Server, String) {
    let server = Server::start_tls(config, |_, _| Act::status(500));
    (server.endpoint().replace("https://", ""), server, authority)
}

/// A server that always does this.
fn acting(act: fn() -> Act, said: impl FnOnce(&str) -> String) -> Stage {
    let server = Server::start(move |_, _| act());
    let place = server.endpoint().replace("http://", "");
    Stage::new(server.endpoint(), said(&place)).keeping(server)
}

/// A server that always gives this answer.
fn answering(
    status: u16,
    headers: &'static str,
    body: &'static str,
    said: impl FnOnce(&str) -> String,
) -> Stage {
    let server = Server::start(move |_, _| Act::Answer(response(status, headers, body)));
    let place = server.endpoint().replace("http://", "");
    Stage::new(server.endpoint(), said(&place)).status(status).keeping(server)
}
