//! A request's headers as the types of the crate `http`, for transports that speak them.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};

use super::fault::{Cause, Fault};
use super::request::{HEADERS, Request};
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
        let mut headers = HeaderMap::with_capacity(values.iter().flatten().count() + more);
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
        Ok(headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::DescribeImages;
    use crate::{Call, Config, Credential, Language, Machine, Now, Settings, Step};
    use alloc::vec::Vec;
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
