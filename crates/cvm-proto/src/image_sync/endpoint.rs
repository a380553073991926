//! The endpoint that a job is done at, as a part of the job's identity.

use alloc::format;
use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::client::{Config, Endpoint};

/// Where the service is that a job is done at, as far as it tells one job from another.
///
/// All hosts of the service, its backup included, are one endpoint. Any other is its host and port, whichever the scheme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncEndpoint(EndpointKind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum EndpointKind {
    Service,
    /// It lives as long as the process, and holds nothing for the next.
    Embedded,
    Host(String),
}

impl SyncEndpoint {
    /// The endpoint of a client.
    pub fn of(config: &Config) -> Self {
        Self::of_endpoint(&config.settings().endpoint)
    }

    fn of_endpoint(endpoint: &Endpoint) -> Self {
        Self(endpoint.foreign_host().map_or(EndpointKind::Service, EndpointKind::Host))
    }

    pub(super) fn service() -> Self {
        Self(EndpointKind::Service)
    }

    /// An endpoint within the process that runs the job, such as the command's `--local`: it equals nothing but itself.
    pub fn embedded() -> Self {
        Self(EndpointKind::Embedded)
    }
}

const SERVICE: &str = "service";
const EMBEDDED: &str = "embedded";

impl fmt::Display for SyncEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            EndpointKind::Service => "the service's own hosts",
            EndpointKind::Embedded => "the embedded endpoint",
            EndpointKind::Host(host) => host,
        })
    }
}

impl Serialize for SyncEndpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            EndpointKind::Service => serializer.serialize_str(SERVICE),
            EndpointKind::Embedded => serializer.serialize_str(EMBEDDED),
            // A mark that keeps a host from being taken for one of these words.
            EndpointKind::Host(host) => serializer.serialize_str(&format!("//{host}")),
        }
    }
}

impl<'de> Deserialize<'de> for SyncEndpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match (text.as_str(), text.strip_prefix("//")) {
            (SERVICE, _) => Ok(Self(EndpointKind::Service)),
            (EMBEDDED, _) => Ok(Self(EndpointKind::Embedded)),
            (_, Some(host)) => Ok(Self(EndpointKind::Host(host.into()))),
            _ => Err(serde::de::Error::custom(format!("`{}` is no endpoint", text.escape_debug()))),
        }
    }
}
