//! Requests and responses as the types of the crate `http`, for transports that speak them.

use alloc::vec::Vec;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use http::uri::Uri;

use super::fault::{Cause, Fault};
use super::request::{HEADERS, Request};
use super::request_format::Method;
use super::response::Response;
use crate::error::Failure;

/// [`HEADERS`], checked once and not for each request.
static NAMES: [HeaderName; HEADERS.len()] = [
    HOST,
    CONTENT_TYPE,
    AUTHORIZATION,
    HeaderName::from_static(HEADERS[3]),
    HeaderName::from_static(HEADERS[4]),
    HeaderName::from_static(HEADERS[5]),
    HeaderName::from_static(HEADERS[6]),
    HeaderName::from_static(HEADERS[7]),
    HeaderName::from_static(HEADERS[8]),
    HeaderName::from_static(HEADERS[9]),
    HeaderName::from_static(HEADERS[10]),
];

impl Request {
    /// The same as [`headers`](Self::headers), with room for `more` that the transport adds. Secret values are marked as
    /// sensitive.
    ///
    /// Needs the feature `http`.
    ///
    /// # Errors
    ///
    /// What to reply with if a value cannot stand in a header, naming it; the request was not sent.
    pub fn header_map(&self, more: usize) -> Result<HeaderMap, Failure> {
        let (values, lasting) = (self.header_values(), self.lasting_values());
        let mut headers =
            HeaderMap::with_capacity(values.iter().flatten().count() + self.extra_headers().len() + more);
        for (name, (value, lasting)) in NAMES.iter().zip(values.into_iter().zip(lasting)) {
            let Some(value) = value else { continue };
            let value = match lasting {
                Some(lasting) => HeaderValue::from_maybe_shared(Bytes::from_static(lasting.as_bytes())),
                None => HeaderValue::from_str(value),
            };
            let Ok(mut value) = value else {
                let what = HEADERS.into_iter().find(|known| name == known).unwrap_or_default();
                return Err(self.failure(Fault::not_sent(Cause::Unsendable(what))));
            };
            value.set_sensitive(Self::is_secret_header(name.as_str()));
            headers.insert(name, value);
        }
        for (name, value) in self.extra_headers().iter() {
            let (Ok(name), Ok(mut value)) =
                (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value))
            else {
                return Err(self.failure(Fault::not_sent(Cause::Unsendable("added header"))));
            };
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }

    /// The whole request, with a body that can be made of bytes: `Vec<u8>`, `Bytes`, `http_body_util::Full<Bytes>`,
    /// `reqwest::Body`, ... `content-length` is left to the transport.
    ///
    /// Needs the feature `http`.
    ///
    /// # Errors
    ///
    /// As [`header_map`](Self::header_map).
    ///
    /// # Examples
    ///
    /// ```
    /// # use cvm_proto::{Call, Config, Credential, Machine, Now, Reply, Response, Settings, Step, api::DescribeZones};
    /// # let mut settings = Settings::default();
    /// # settings.credential = Some(Credential::new("AKIDexample", "not-a-real-key")?);
    /// # settings.region = Some("ap-shanghai".into());
    /// # let config = Config::new(settings)?;
    /// # let mut call = Call::new(&config, DescribeZones::default(), 1);
    /// # let Step::Send(request) = call.poll(Now::new(1_551_113_065, Default::default())) else { unreachable!() };
    /// let wire: http::Request<Vec<u8>> = request.to_http().map_err(|failure| failure.message)?;
    /// assert_eq!((wire.method().as_str(), wire.uri().host()), ("POST", Some("cvm.tencentcloudapi.com")));
    ///
    /// // What a library for HTTP answers.
    /// let answer = http::Response::builder().header("date", "Tue, 24 Nov 2026 03:42:00 GMT").body(Vec::new())?;
    /// let reply = Reply::Response(Response::from(answer));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_http<B: From<Vec<u8>>>(&self) -> Result<http::Request<B>, Failure> {
        let headers = self.header_map(0)?;
        let uri = Uri::try_from(&*self.url());
        let uri = uri.map_err(|_| self.failure(Fault::not_sent(Cause::Unsendable("URL"))))?;
        let mut wire = http::Request::new(B::from(self.body().to_vec()));
        *wire.method_mut() = self.method().into();
        *wire.uri_mut() = uri;
        *wire.headers_mut() = headers;
        Ok(wire)
    }
}

impl From<Method> for http::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Post => Self::POST,
        }
    }
}

impl Response {
    /// Offers all headers that came: see [`header`](Self::header).
    ///
    /// Needs the feature `http`.
    #[must_use]
    pub fn header_map(self, headers: &HeaderMap) -> Self {
        let of_use = Self::headers_of_use(self.status()).iter();
        let given = of_use.filter_map(|name| Some((*name, headers.get(*name)?.to_str().ok()?)));
        given.fold(self, |response, (name, value)| response.header(name, value))
    }
}

impl<B: Into<Vec<u8>>> From<http::Response<B>> for Response {
    fn from(response: http::Response<B>) -> Self {
        let (head, body) = response.into_parts();
        Self::new(head.status.as_u16(), body.into()).header_map(&head.headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::DescribeImages;
    use crate::{Call, Config, Credential, Language, Machine, Now, Settings, Step};
    use core::time::Duration;

    fn request() -> Request {
        let mut settings = Settings::default();
        let credential = Credential::new("AKIDexample", "not-a-real-key").unwrap();
        settings.credential = Some(credential.with_token("a-token").unwrap());
        settings.region = Some("ap-shanghai".into());
        settings.language = Some(Language::English);
        settings.request_client = Some("a-program".into());
        settings.unsigned_payload = true;
        let config = Config::new(settings).unwrap();
        match Call::new(&config, DescribeImages::default(), 1).poll(Now::new(1_551_113_065, Duration::ZERO)) {
            Step::Send(request) => request,
            _ => unreachable!("a call begins with a request"),
        }
    }

    #[test]
    fn the_names_are_the_same() {
        assert_eq!(NAMES.each_ref().map(HeaderName::as_str), HEADERS);
    }

    #[test]
    fn the_whole_request() {
        let request = request();
        let wire: http::Request<Vec<u8>> = request.to_http().unwrap();
        assert_eq!(wire.method(), http::Method::POST);
        assert_eq!(wire.uri(), &*request.url());
        assert_eq!(
            (wire.body().as_slice(), wire.headers()),
            (request.body(), &request.header_map(0).unwrap())
        );
    }

    #[test]
    fn a_response_keeps_what_the_core_looks_at() {
        let answer = http::Response::builder()
            .status(429)
            .header("Retry-After", "7")
            .header("Date", "Tue, 24 Nov 2026 03:42:00 GMT")
            .header("Server", "is not kept")
            .body(Bytes::from_static(b"later"))
            .unwrap();
        let expected = Response::new(429, b"later".to_vec())
            .header("retry-after", "7")
            .header("date", "Tue, 24 Nov 2026 03:42:00 GMT");
        assert_eq!(Response::from(answer), expected);
    }

    #[test]
    fn the_same_headers_and_secrets_are_marked() {
        let request = request();
        let map = request.header_map(0).unwrap();
        let shown: Vec<_> =
            map.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        let expected: Vec<_> = request.headers().collect();
        assert_eq!(shown, expected);
        assert_eq!(expected.len(), HEADERS.len());
        let secret: Vec<_> =
            map.iter().filter(|(_, value)| value.is_sensitive()).map(|(name, _)| name.as_str()).collect();
        assert_eq!(secret, ["authorization", "x-tc-token"]);
    }
}
