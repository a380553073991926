//! Misbehaviour on demand.

use std::sync::Arc;
use std::time::Duration;

use cvm_proto::closest_region;
use serde::{Deserialize, Serialize};

use crate::actions;
use crate::ids::Stream;
use crate::request::params::Shown;

mod json;
mod queue;

pub use queue::Faults;
pub(crate) use queue::{CreationFault, ImageFaults, RequestFaults};

/// Something that goes wrong: what, for which requests, and how often.
///
/// A fault affects requests that are signed correctly. It goes off for every request that it matches until it is used
/// up. If several match, latencies add up, and the first of the others takes effect.
///
/// ```
/// use std::time::Duration;
/// use cvm_local::{CvmLocal, Fault};
///
/// let local = CvmLocal::start()?;
/// local.faults().push(Fault::error("RequestLimitExceeded").on("SyncImages").times(2))?;
/// local.faults().push(Fault::status(502, "<html>Bad Gateway</html>").in_region("ap-beijing").times(1))?;
/// local.faults().push(Fault::latency(Duration::from_millis(200)).probability(0.1))?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// As JSON it is one flat object: `effect`, the members of that effect, and which requests it is for. Without `action`,
/// `region`, `times`, `probability` and `seed` it always goes off.
///
/// | `effect` | with | the same in Rust |
/// |---|---|---|
/// | `error` | `code`, `message` (optional) | [`error`](Self::error) |
/// | `respond` | `status`, `content_type` (default `text/html`), `body` or `body_base64` | [`respond`](Self::respond) |
/// | `latency` | `milliseconds` | [`latency`](Self::latency) |
/// | `drop-before`, `drop-after` | | [`drop_before`](Self::drop_before), [`drop_after`](Self::drop_after) |
/// | `truncate` | | [`truncated`](Self::truncated) |
/// | `copy-fails`, `copy-never-ends` | | [`copy_fails`](Self::copy_fails), [`copy_never_ends`](Self::copy_never_ends) |
/// | `invisible` | `milliseconds` of image time, `late_name_check` (default `false`) | [`invisible`](Self::invisible), [`late_name_check`](Self::late_name_check) |
///
/// ```
/// use cvm_local::Fault;
///
/// let json = r#"{ "effect": "error", "code": "RequestLimitExceeded", "action": "SyncImages", "times": 2 }"#;
/// let fault: Fault = serde_json::from_str(json)?;
/// assert_eq!(fault, Fault::error("RequestLimitExceeded").on("SyncImages").times(2));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "json::Members", into = "json::FlatFault")]
pub struct Fault {
    effect: Effect,
    action: Option<String>,
    region: Option<String>,
    left: Option<u64>,
    probability: Option<f64>,
    seed: Option<u64>,
    /// The numbers that `seed` gives; without it, those of the endpoint are used.
    own: Option<Stream>,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    Error { code: String, message: String },
    Respond { status: u16, content_type: String, body: Vec<u8> },
    Latency(Duration),
    DropBefore,
    DropAfter,
    Truncate,
    CopyFails,
    CopyNeverEnds,
    Invisible(Hiding),
}

/// For how long a new image is not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hiding {
    /// In image time.
    pub(crate) time: Duration,
    /// Whether its name counts as free as long.
    pub(crate) late_name_check: bool,
}

impl Fault {
    fn new(effect: Effect) -> Self {
        Self { effect, action: None, region: None, left: None, probability: None, seed: None, own: None }
    }

    /// The answer is this error code; no work is done. The code need not be one that the service has: a client has to cope
    /// with those that it does not know.
    pub fn error(code: impl Into<String>) -> Self {
        let code = code.into();
        let message = usual_message(&code);
        Self::new(Effect::Error { code, message })
    }

    /// The answer is this error code with this message; no work is done.
    pub fn error_with(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Effect::Error { code: code.into(), message: message.into() })
    }

    /// The answer has this HTTP status (200 to 999, others count as 500) and this body, as `text/html`, as a broken
    /// gateway writes it; no work is done. The body may be empty.
    pub fn status(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::respond(status, "text/html", body)
    }

    /// The answer has this HTTP status (200 to 999, others count as 500), content type and body; no work is done. With
    /// it an answer can be empty, cut off, or of the wrong type.
    pub fn respond(status: u16, content_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        let status = if (200..=999).contains(&status) { status } else { 500 };
        Self::new(Effect::Respond { status, content_type: content_type.into(), body: body.into() })
    }

    /// The work is done at once, and the answer comes this much later.
    pub fn latency(delay: Duration) -> Self {
        Self::new(Effect::Latency(delay))
    }

    /// The connection is closed before the request is accepted: no work is done, no answer comes.
    pub fn drop_before() -> Self {
        Self::new(Effect::DropBefore)
    }

    /// The connection is closed after the request was accepted: the work is done, no answer comes.
    pub fn drop_after() -> Self {
        Self::new(Effect::DropAfter)
    }

    /// The work is done, and the answer is the first half of the real one.
    pub fn truncated() -> Self {
        Self::new(Effect::Truncate)
    }

    /// A copy, or an image made from an instance or from snapshots, ends as `CREATEFAILED` when its time is over; an
    /// import as `IMPORTFAILED`. [`on`](Self::on) says which of them, [`in_region`](Self::in_region) and
    /// [`times`](Self::times) go by the region of the new image: each one that fails counts.
    pub fn copy_fails() -> Self {
        Self::new(Effect::CopyFails)
    }

    /// A copy stays `SYNCING`, another new image `CREATING` or `IMPORTING`. What is said of
    /// [`copy_fails`](Self::copy_fails) holds here, too.
    pub fn copy_never_ends() -> Self {
        Self::new(Effect::CopyNeverEnds)
    }

    /// A new image is not seen before this much image time has passed: no list has it, and no action finds it by its id.
    /// It is there all the same: the answer names it, it counts against the quota, and its name is taken. What is said of
    /// [`copy_fails`](Self::copy_fails) of which images these are holds here, too; one image may have both faults.
    pub fn invisible(time: Duration) -> Self {
        Self::new(Effect::Invisible(Hiding { time, late_name_check: false }))
    }

    /// The name of an [`invisible`](Self::invisible) image counts as free until the image is seen, as with a service that
    /// checks names late. Another fault stays as it is.
    #[must_use]
    pub fn late_name_check(mut self) -> Self {
        if let Effect::Invisible(hiding) = &mut self.effect {
            hiding.late_name_check = true;
        }
        self
    }

    /// Only for this action, such as `SyncImages`: one of the service's, or of sts.
    #[must_use]
    pub fn on(mut self, action: impl Into<String>) -> Self {
        self.action = Some(action.into());
        self
    }

    /// Only for this region, which the endpoint has to have.
    #[must_use]
    pub fn in_region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Only this many times; without it, always.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.left = Some(times);
        self
    }

    /// Only with this probability, from 0 to 1, drawn from the seed's numbers; without it, always.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = Some(probability);
        self
    }

    /// The probability is drawn from a random sequence of this fault's own, which starts at `seed`: when it goes off then
    /// depends on no other fault.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self.own = Some(stream(seed));
        self
    }

    /// Refuses what could never go off.
    fn check(&self, regions: &[Arc<str>]) -> Result<(), String> {
        if let Some(action) = &self.action {
            actions::check_name(action)?;
        }
        if let Some(region) = &self.region {
            let known = || regions.iter().map(|known| &**known);
            if !known().any(|known| known == region) {
                let advice = closest_region(region, known())
                    .map_or_else(String::new, |meant| format!(": did you mean `{meant}`?"));
                return Err(format!("the endpoint has no region `{}`{advice}", Shown(region)));
            }
        }
        Ok(())
    }

    fn matches(&self, action: &str, region: &str) -> bool {
        self.action.as_deref().is_none_or(|wanted| wanted == action)
            && self.region.as_deref().is_none_or(|wanted| wanted == region)
    }
}

fn usual_message(code: &str) -> String {
    format!("`{code}`, as a fault of this endpoint demands.")
}

/// The numbers that probabilities are drawn from.
fn stream(seed: u64) -> Stream {
    Stream::new(seed, 3)
}
