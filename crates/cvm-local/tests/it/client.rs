//! Two small clients: one drives the core's machines by hand, the other sends whatever bytes it is told to.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cvm_local::CvmLocal;
use cvm_proto::sign::{
    CanonicalRequest, CredentialScope, Payload, SigningKey, StringToSign, authorization, v1,
};
use cvm_proto::{
    Action, AnyCall, Call, Config, Credential, Endpoint, Error, Job, Machine, Now, Reply, RetryPolicy,
    Settings, SignMethod, Step,
};
use serde_json::{Value, json};

/// How long a test waits for bytes before it fails.
const GIVE_UP_AFTER: Duration = Duration::from_secs(20);

/// A client that sends each request once, at once.
pub(crate) struct Client<'a> {
    local: &'a CvmLocal,
    settings: Settings,
}

impl<'a> Client<'a> {
    pub(crate) fn new(local: &'a CvmLocal) -> Self {
        let mut settings = Settings::default();
        settings.credential = Some(local.credential());
        settings.region = Some("ap-shanghai".into());
        settings.endpoint = Endpoint::explicit(local.endpoint()).unwrap();
        settings.retry = RetryPolicy::never();
        settings.rate_limit = false;
        Self { local, settings }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    pub(crate) fn region(self, region: &str) -> Self {
        self.with(|settings| settings.region = Some(region.into()))
    }

    pub(crate) fn key(self, id: &str, key: &str) -> Self {
        self.with(|settings| settings.credential = Some(Credential::new(id, key).unwrap()))
    }

    pub(crate) fn signed(self, method: SignMethod) -> Self {
        self.with(|settings| settings.sign_method = method)
    }

    pub(crate) fn send<A: Action>(&self, action: A) -> Result<A::Response, Error> {
        self.drive(Call::new(&Config::new(self.settings.clone()).unwrap(), action, 1))
    }

    /// Sends what a typed client would not.
    pub(crate) fn call(&self, action: &str, parameters: &Value) -> Result<Value, Error> {
        self.drive(AnyCall::new(&Config::new(self.settings.clone()).unwrap(), action, parameters, 1))
    }

    /// The error code that a call is refused with.
    pub(crate) fn refused(&self, action: &str, parameters: &Value) -> String {
        let error = self.call(action, parameters).expect_err("the call was expected to be refused");
        error.code().unwrap_or_else(|| panic!("{error}")).as_str().to_owned()
    }

    /// Runs a job in virtual time: its pauses take none. Returns how long it took by its own clock as well.
    pub(crate) fn run<T, J>(&self, job: J) -> (Result<T, Error>, Duration)
    where
        J: Job<Machine: Machine<Output = Result<T, Error>>>,
    {
        let mut skipped = Duration::ZERO;
        let machine = job.start(&Config::new(self.settings.clone()).unwrap(), 1);
        let result = self.drive_skipping(machine, |pause| skipped += pause);
        (result, skipped)
    }

    fn drive<T, M: Machine<Output = Result<T, Error>>>(&self, machine: M) -> Result<T, Error> {
        self.drive_skipping(machine, |_| panic!("a call without attempts left has nothing to wait for"))
    }

    fn drive_skipping<T, M: Machine<Output = Result<T, Error>>>(
        &self,
        mut machine: M,
        mut skips: impl FnMut(Duration),
    ) -> Result<T, Error> {
        let start = Instant::now();
        let mut skipped = Duration::ZERO;
        loop {
            let now = || Now::new(unix(), start.elapsed() + skipped);
            match machine.poll(now()) {
                Step::Send(request) => {
                    let mut raw = format!("{} {} HTTP/1.1\r\n", request.method().as_str(), request.target());
                    for (name, value) in request.headers() {
                        raw.push_str(&format!("{name}: {value}\r\n"));
                    }
                    raw.push_str(&format!("content-length: {}\r\n\r\n", request.body().len()));
                    let reply = match exchange(self.local, &[raw.as_bytes(), request.body()].concat()) {
                        Some(answer) => Reply::Response(
                            cvm_proto::Response::new(answer.status, answer.body)
                                .header("date", &answer.date.unwrap_or_default()),
                        ),
                        None => Reply::Failed(cvm_proto::machine::Failure::maybe_sent(
                            cvm_proto::machine::FailureKind::Interrupted,
                            "the connection was closed",
                        )),
                    };
                    machine.reply(now(), reply);
                }
                Step::WaitUntil(until) => {
                    let pause = until.saturating_sub(now().mono);
                    skips(pause);
                    skipped += pause;
                }
                Step::Progress(_) => {}
                Step::Done(result) => return result,
            }
        }
    }
}

pub(crate) fn unix() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A response as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The error code; `None` for a result.
    pub(crate) fn code(&self) -> Option<String> {
        self.json()["Response"]["Error"]["Code"].as_str().map(str::to_owned)
    }
}

/// Sends bytes on a connection of their own; `None` if it is closed without an answer.
pub(crate) fn exchange(local: &CvmLocal, raw: &[u8]) -> Option<Answer> {
    let mut stream = connect(local);
    // The endpoint may refuse, and close, before it has read everything.
    let _ = stream.write_all(raw);
    read_answer(&mut stream)
}

/// Sends a request outside of the API; `host` is a header.
pub(crate) fn plain(
    local: &CvmLocal,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut raw = format!("{method} {path} HTTP/1.1\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        raw.push_str(&format!("{name}: {value}\r\n"));
    }
    raw.push_str(&format!("\r\n{body}"));
    exchange(local, raw.as_bytes()).expect("an answer")
}

pub(crate) fn connect(local: &CvmLocal) -> TcpStream {
    let stream = TcpStream::connect(local.endpoint().strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(GIVE_UP_AFTER)).unwrap();
    stream
}

/// Reads one response by its content length; `None` if the connection ends before its head does.
pub(crate) fn read_answer(stream: &mut TcpStream) -> Option<Answer> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        match stream.read(&mut buffer) {
            Ok(0) => return None,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
            Err(error) => panic!("no answer: {error}"),
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let header = |wanted: &str| {
        head.split("\r\n").skip(1).find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim().to_owned())
        })
    };
    let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = bytes.split_off(head_end + 4);
    while body.len() < length {
        let n = stream.read(&mut buffer).unwrap();
        assert!(n > 0, "the connection was closed inside a body");
        body.extend_from_slice(&buffer[..n]);
    }
    Some(Answer { status, content_type: header("content-type"), date: header("date"), body })
}

/// A request in parts that a test can change before or after it is signed.
#[derive(Clone)]
pub(crate) struct Raw {
    pub(crate) method: Vec<u8>,
    pub(crate) path: Vec<u8>,
    pub(crate) query: Vec<u8>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Raw {
    /// A JSON request, not signed yet.
    pub(crate) fn post(local: &CvmLocal, action: &str, body: &Value) -> Self {
        let host = local.endpoint().strip_prefix("http://").unwrap();
        Self {
            method: b"POST".to_vec(),
            path: b"/".to_vec(),
            query: Vec::new(),
            headers: headers(&[
                ("host", host),
                ("content-type", "application/json"),
                ("x-tc-action", action),
                ("x-tc-version", "2017-03-12"),
                ("x-tc-timestamp", &unix().to_string()),
                ("x-tc-region", "ap-shanghai"),
            ]),
            body: body.to_string().into_bytes(),
        }
    }

    /// A request with its parameters in the query, not signed yet.
    pub(crate) fn get(local: &CvmLocal, action: &str, query: &str) -> Self {
        let mut raw = Self::post(local, action, &json!({}));
        raw.method = b"GET".to_vec();
        raw.query = query.into();
        raw.body.clear();
        raw.with("content-type", "application/x-www-form-urlencoded")
    }

    /// Sets or replaces a header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Takes a header away.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self
    }

    /// Signs with TC3, with the endpoint's own credential.
    pub(crate) fn signed(self, local: &CvmLocal, names: &[&str]) -> Self {
        self.signed_with(local.secret_id(), local.secret_key(), names)
    }

    /// Signs with TC3, for cvm.
    pub(crate) fn signed_with(self, id: &str, key: &str, names: &[&str]) -> Self {
        self.signed_for("cvm", id, key, names)
    }

    /// Signs with TC3 for a service.
    pub(crate) fn signed_for(self, service: &str, id: &str, key: &str, names: &[&str]) -> Self {
        let value = |name: &str| {
            let (_, value) = self.headers.iter().find(|(known, _)| known == name).unwrap();
            String::from_utf8(value.clone()).unwrap()
        };
        let values: Vec<String> = names.iter().map(|name| value(name)).collect();
        let signed: Vec<(&str, &str)> =
            names.iter().copied().zip(values.iter().map(String::as_str)).collect();
        let unsigned = self.headers.iter().any(|(name, _)| name == "x-tc-content-sha256");
        let request = CanonicalRequest {
            method: std::str::from_utf8(&self.method).unwrap(),
            path: "/",
            query: std::str::from_utf8(&self.query).unwrap(),
            headers: &signed,
            payload: if unsigned { Payload::Unsigned } else { Payload::Body(&self.body) },
        };
        let timestamp = value("x-tc-timestamp").parse().unwrap();
        let scope = CredentialScope::new(timestamp, service);
        let text = StringToSign { timestamp, scope, canonical_hash: request.hash() };
        let signature = SigningKey::derive(key, scope).sign(&text);
        let header = authorization(id, scope, &request.signed_headers(), &signature);
        self.with("authorization", &header)
    }

    /// A v1 request with these parameters and the common ones, signed with the endpoint's own credential.
    pub(crate) fn v1(local: &CvmLocal, http_method: &str, method: SignMethod, own: &[(&str, &str)]) -> Self {
        let host = local.endpoint().strip_prefix("http://").unwrap();
        let time = unix().to_string();
        let mut parameters = vec![
            ("Version", "2017-03-12"),
            ("Region", "ap-shanghai"),
            ("Timestamp", time.as_str()),
            ("Nonce", "11886"),
            ("SecretId", local.secret_id()),
            ("SignatureMethod", method.as_str()),
        ];
        for (name, value) in own {
            parameters.retain(|(known, _)| known != name);
            parameters.push((name, value));
        }
        let signature =
            v1::sign(method, local.secret_key(), &v1::string_to_sign(http_method, host, "/", &parameters));
        parameters.push(("Signature", &signature));
        let encoded = cvm_proto::codec::percent::encode_pairs(&parameters).into_bytes();
        let (query, body) = if http_method == "GET" { (encoded, Vec::new()) } else { (Vec::new(), encoded) };
        Self {
            method: http_method.into(),
            path: b"/".to_vec(),
            query,
            headers: headers(&[("host", host), ("content-type", "application/x-www-form-urlencoded")]),
            body,
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut raw = self.method.clone();
        raw.push(b' ');
        raw.extend_from_slice(&self.path);
        if !self.query.is_empty() {
            raw.push(b'?');
            raw.extend_from_slice(&self.query);
        }
        raw.extend_from_slice(b" HTTP/1.1\r\n");
        for (name, value) in &self.headers {
            raw.extend_from_slice(name.as_bytes());
            raw.extend_from_slice(b": ");
            raw.extend_from_slice(value);
            raw.extend_from_slice(b"\r\n");
        }
        if !self.headers.iter().any(|(name, _)| name == "content-length") {
            raw.extend_from_slice(format!("content-length: {}\r\n", self.body.len()).as_bytes());
        }
        raw.extend_from_slice(b"\r\n");
        raw.extend_from_slice(&self.body);
        raw
    }

    pub(crate) fn send(&self, local: &CvmLocal) -> Answer {
        exchange(local, &self.bytes()).expect("an answer")
    }
}

fn headers(pairs: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}
