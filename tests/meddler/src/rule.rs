//! What happens to a request on its way, and to its answer.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What happens to the requests that it is for, and how often. The first rule that goes off decides.
///
/// As JSON, for [`control`](crate::control): `{"action": "SyncImages", "times": 1, "answer": "lose"}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// Only for this action.
    pub action: Option<String>,
    /// Only for this region.
    pub region: Option<String>,
    /// Only for requests whose body holds this text, such as an image's id.
    pub with: Option<String>,
    /// Only this many times; without it, always.
    pub times: Option<u64>,
    /// Only with this probability, from 0 to 1; without it, always.
    pub probability: Option<f64>,
    /// What happens to the request.
    pub request: OnRequest,
    /// What happens to the answer.
    pub answer: OnAnswer,
}

/// What happens to a request before the endpoint has it. Whether the client is still there makes no difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnRequest {
    /// It is passed on at once.
    #[default]
    Pass,
    /// It is passed on after this many milliseconds.
    After(u64),
    /// It is passed on when [`Meddler::release`](crate::Meddler::release) says so.
    Hold,
    /// The endpoint never gets it. Where its answer is to be passed on there is none, and the connection is closed.
    Withhold,
}

/// What happens to the answer before the client has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnAnswer {
    /// It is passed on at once.
    #[default]
    Pass,
    /// It is passed on this many milliseconds after it arrived.
    After(u64),
    /// The connection is closed without an answer: when the answer is there, or at once if the request does not pass at
    /// once.
    Lose,
    /// The connection is closed in the middle of the answer.
    Cut,
    /// Half of its body is passed on, as a whole HTTP message.
    Halve,
    /// Another one is passed on.
    Replace {
        /// Its HTTP status.
        status: u16,
        /// Its content type.
        content_type: String,
        /// Its body.
        body: String,
    },
    /// It is passed on without the ids of the copies: `ImageSet` is null.
    OmitIds,
    /// The connection stays open, and nothing comes.
    Hang,
}

impl Rule {
    fn new(request: OnRequest, answer: OnAnswer) -> Self {
        Self { request, answer, ..Self::default() }
    }

    /// The request waits for [`Meddler::release`](crate::Meddler::release).
    pub fn hold() -> Self {
        Self::new(OnRequest::Hold, OnAnswer::Pass)
    }

    /// The client is hung up on, and the request arrives so much later.
    pub fn late(by: Duration) -> Self {
        Self::new(OnRequest::After(millis(by)), OnAnswer::Lose)
    }

    /// The request never arrives, and the connection is closed.
    pub fn drop_before() -> Self {
        Self::new(OnRequest::Withhold, OnAnswer::Lose)
    }

    /// The request is carried out, and its answer lost.
    pub fn lose() -> Self {
        Self::new(OnRequest::Pass, OnAnswer::Lose)
    }

    /// The request is carried out, and its answer breaks off.
    pub fn cut() -> Self {
        Self::new(OnRequest::Pass, OnAnswer::Cut)
    }

    /// The request is carried out, and half of its answer arrives as if it were whole.
    pub fn halve() -> Self {
        Self::new(OnRequest::Pass, OnAnswer::Halve)
    }

    /// The request is carried out, and its answer takes so much longer.
    pub fn delay(by: Duration) -> Self {
        Self::new(OnRequest::Pass, OnAnswer::After(millis(by)))
    }

    /// The request is carried out, and no answer ever comes.
    pub fn hang() -> Self {
        Self::new(OnRequest::Pass, OnAnswer::Hang)
    }

    /// The request is carried out, and the answer lacks the ids of the copies.
    pub fn omit_ids() -> Self {
        Self::new(OnRequest::Pass, OnAnswer::OmitIds)
    }

    /// The request is carried out, and a gateway's page arrives in place of its answer.
    pub fn bad_gateway() -> Self {
        let body = "<html><body>502 Bad Gateway</body></html>".into();
        Self::new(OnRequest::Pass, OnAnswer::Replace { status: 502, content_type: "text/html".into(), body })
    }

    /// The request is carried out, and an error of the service arrives in place of its answer.
    pub fn refuse(code: &str) -> Self {
        // An id that no other answer has, so that a report that names it can be told from others.
        let id = format!("in-place-of-{code}");
        let body = serde_json::json!({ "Response": {
            "Error": { "Code": code, "Message": "in place of the endpoint's answer" },
            "RequestId": id,
        }});
        let content_type = "application/json".into();
        Self::new(OnRequest::Pass, OnAnswer::Replace { status: 200, content_type, body: body.to_string() })
    }

    /// The same, and the endpoint never gets the request.
    #[must_use]
    pub fn withheld(mut self) -> Self {
        self.request = OnRequest::Withhold;
        self
    }

    /// Only for this action.
    #[must_use]
    pub fn on(mut self, action: &str) -> Self {
        self.action = Some(action.into());
        self
    }

    /// Only for this region.
    #[must_use]
    pub fn in_region(mut self, region: &str) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Only for requests whose body holds this text.
    #[must_use]
    pub fn with(mut self, text: &str) -> Self {
        self.with = Some(text.into());
        self
    }

    /// Only this many times.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Only with this probability, from 0 to 1.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = Some(probability);
        self
    }

    /// Whether it goes off for a request; then one of its times is used up.
    pub(crate) fn goes_off(
        &mut self,
        (action, region): (&str, &str),
        request: &Value,
        random: &mut fastrand::Rng,
    ) -> bool {
        let is = |wanted: &Option<String>, name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
        let goes_off = self.times != Some(0)
            && is(&self.action, action)
            && is(&self.region, region)
            && self.with.as_ref().is_none_or(|text| request.to_string().contains(text))
            && self.probability.is_none_or(|probability| random.f64() < probability);
        if let (true, Some(times)) = (goes_off, &mut self.times) {
            *times -= 1;
        }
        goes_off
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_rule_goes_off_for_its_requests_and_so_often() {
        let mut rule = Rule::lose().on("SyncImages").in_region("ap-x").with("img-1").times(2);
        let random = &mut fastrand::Rng::with_seed(1);
        let (first, other) = (json!({ "ImageIds": ["img-1"] }), json!({ "ImageIds": ["img-2"] }));
        assert!(!rule.goes_off(("DescribeImages", "ap-x"), &first, random));
        assert!(!rule.goes_off(("SyncImages", "ap-y"), &first, random));
        assert!(!rule.goes_off(("SyncImages", "ap-x"), &other, random));
        for expected in [true, true, false] {
            assert_eq!(rule.goes_off(("SyncImages", "ap-x"), &first, random), expected);
        }
    }

    #[test]
    fn a_probability_is_drawn_from_the_seed() {
        let draws = |seed| {
            let random = &mut fastrand::Rng::with_seed(seed);
            let mut rule = Rule::lose().probability(0.25);
            (0..400).map(|_| rule.goes_off(("A", "r"), &Value::Null, random)).collect::<Vec<_>>()
        };
        assert_eq!(draws(7), draws(7));
        assert_ne!(draws(7), draws(8));
        assert!((50..150).contains(&draws(7).into_iter().filter(|&goes_off| goes_off).count()));
    }

    #[test]
    fn rules_are_read_from_json() {
        let read = |text: &str| serde_json::from_str::<Rule>(text).unwrap();
        assert_eq!(
            read(r#"{ "action": "SyncImages", "times": 1, "answer": "lose" }"#),
            Rule::lose().on("SyncImages").times(1)
        );
        assert_eq!(
            read(r#"{ "request": { "after": 500 }, "answer": "lose" }"#),
            Rule::late(Duration::from_millis(500))
        );
        assert!(serde_json::from_str::<Rule>(r#"{ "answers": "lose" }"#).is_err());
        let rule = Rule::refuse("InternalError").withheld();
        assert_eq!(read(&serde_json::to_string(&rule).unwrap()), rule);
    }
}
