//! What passed: a request, the endpoint's answer, and what the client received.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

/// A request and how it was answered. Times count from the start of the [`Meddler`](crate::Meddler).
#[derive(Clone, Debug, Serialize)]
pub struct Exchange {
    /// Counted from 0, in the order of arrival.
    pub number: usize,
    /// The action; empty if none is named by a header.
    pub action: String,
    /// The region; empty if none is named by a header.
    pub region: String,
    /// The body; null if it is not JSON.
    pub request: Value,
    /// When it arrived.
    pub arrived: Duration,
    /// When it was passed on to the endpoint.
    pub delivered: Option<Duration>,
    /// When the endpoint had answered it.
    pub answered: Option<Duration>,
    /// The endpoint's answer; null if it is not JSON.
    pub answer: Value,
    /// What the client received; `None` while nothing is decided.
    pub received: Option<Received>,
    /// When the client received it.
    pub received_at: Option<Duration>,
}

/// What a client received of an answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Received {
    /// The endpoint's answer.
    All,
    /// Another answer: its status, and its body if that is JSON.
    Other(u16, Value),
    /// Some of the endpoint's answer, and not its end.
    Part,
    /// Nothing: the connection was closed, the client hung up, or nothing ever came.
    Nothing,
}

impl Exchange {
    /// The ids of the images that the request names.
    pub fn image_ids(&self) -> impl Iterator<Item = &str> {
        self.request["ImageIds"].as_array().into_iter().flatten().filter_map(Value::as_str)
    }

    /// Whether it asks for a copy of an image in a region, and not for a dry run.
    pub fn asks_for_copy(&self, source: &str, region: &str) -> bool {
        self.action == "SyncImages"
            && self.request["DryRun"] != true
            && self.image_ids().any(|id| id == source)
            && self.destinations().any(|destination| destination == region)
    }

    /// The regions that `SyncImages` is to copy to.
    pub fn destinations(&self) -> impl Iterator<Item = &str> {
        self.request["DestinationRegions"].as_array().into_iter().flatten().filter_map(Value::as_str)
    }

    /// Whether the endpoint carried it out.
    pub fn is_accepted(&self) -> bool {
        let response = &self.answer["Response"];
        response.is_object() && response["Error"].is_null()
    }

    /// Whether the endpoint may have carried it out, and did not get to say so.
    pub fn is_uncertain(&self) -> bool {
        self.delivered.is_some() && self.answered.is_none()
    }

    /// What the client received as a whole answer of the API: the endpoint's, or another.
    pub fn response(&self) -> Option<&Value> {
        let body = match self.received.as_ref()? {
            Received::All => &self.answer,
            Received::Other(_, body) => body,
            Received::Part | Received::Nothing => return None,
        };
        Some(&body["Response"]).filter(|response| response.is_object())
    }

    /// The error code that the client received.
    pub fn received_code(&self) -> Option<&str> {
        self.response()?["Error"]["Code"].as_str()
    }

    /// The error code that the endpoint answered with.
    pub fn code(&self) -> Option<&str> {
        self.answer["Response"]["Error"]["Code"].as_str()
    }

    /// The id of the copy in a region that the client received.
    pub fn received_copy(&self, region: &str) -> Option<&str> {
        copies(self.response()?).find(|(_, known)| *known == region).map(|(id, _)| id)
    }

    /// Whether the client cannot know from what it received whether the endpoint carried the request out.
    pub fn is_lost(&self) -> bool {
        match &self.received {
            // The service does not say how far it came before it failed.
            _ if self.received_code().is_some_and(|code| code.starts_with("InternalError")) => true,
            Some(Received::All) => false,
            // An error in place of an answer is untrue if the request was delivered.
            Some(Received::Other(..)) => self.delivered.is_some() || self.response().is_none(),
            Some(Received::Part | Received::Nothing) | None => true,
        }
    }
}

/// One line with all of it, to find out why a test failed.
impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, action, region, request, arrived, delivered, .. } = self;
        write!(f, "{number:4} {:8.3} {action} {region} {request}", arrived.as_secs_f64())?;
        match (delivered, self.answered) {
            (None, _) => f.write_str(" -> never delivered")?,
            (Some(at), None) => write!(f, " -> delivered at {:.3}, no answer", at.as_secs_f64())?,
            (_, Some(at)) => write!(f, " -> {} at {:.3}", summary(&self.answer), at.as_secs_f64())?,
        }
        match &self.received {
            Some(Received::Other(status, body)) => write!(f, ", received {status} {}", summary(body)),
            received => write!(f, ", received {received:?}"),
        }
    }
}

/// An answer in few words.
fn summary(answer: &Value) -> String {
    let response = &answer["Response"];
    if let Some(code) = response["Error"]["Code"].as_str() {
        return code.to_owned();
    }
    let images = response["ImageSet"].as_array().into_iter().flatten().map(|image| {
        let text = |member: &str| image[member].as_str().unwrap_or_default().to_owned();
        [text("ImageId"), text("Region"), text("ImageName"), text("ImageState")].join(" ")
    });
    let images: Vec<String> = images.collect();
    format!("{} [{}]", response["RequestId"].as_str().unwrap_or_default(), images.join(", "))
}

/// The ids and regions in the answer of `SyncImages`.
pub(crate) fn copies(response: &Value) -> impl Iterator<Item = (&str, &str)> {
    let copies = response["ImageSet"].as_array().into_iter().flatten();
    copies.filter_map(|copy| Some((copy["ImageId"].as_str()?, copy["Region"].as_str()?)))
}
