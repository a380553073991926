//! A fault as one flat JSON object, for people to write and programs to read.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::{Effect, Fault, Hiding, usual_message};

/// Every member that a fault may have. Which of them belong together is found when it becomes a [`Fault`].
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FlatFault {
    effect: EffectName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    milliseconds: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    late_name_check: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

/// The effects by their names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum EffectName {
    #[default]
    Error,
    Respond,
    Latency,
    DropBefore,
    DropAfter,
    Truncate,
    CopyFails,
    CopyNeverEnds,
    Invisible,
}

impl EffectName {
    /// The members that belong to the effect.
    fn members(self) -> &'static [&'static str] {
        match self {
            Self::Error => &["code", "message"],
            Self::Respond => &["status", "content_type", "body", "body_base64"],
            Self::Latency => &["milliseconds"],
            Self::Invisible => &["milliseconds", "late_name_check"],
            Self::DropBefore | Self::DropAfter | Self::Truncate | Self::CopyFails | Self::CopyNeverEnds => {
                &[]
            }
        }
    }
}

impl TryFrom<FlatFault> for Fault {
    type Error = String;

    fn try_from(flat: FlatFault) -> Result<Self, String> {
        let given = [
            ("code", flat.code.is_some()),
            ("message", flat.message.is_some()),
            ("status", flat.status.is_some()),
            ("content_type", flat.content_type.is_some()),
            ("body", flat.body.is_some()),
            ("body_base64", flat.body_base64.is_some()),
            ("milliseconds", flat.milliseconds.is_some()),
            ("late_name_check", flat.late_name_check.is_some()),
        ];
        let name = serde_json::to_value(flat.effect).unwrap_or_default();
        if let Some((stray, _)) =
            given.iter().find(|(name, given)| *given && !flat.effect.members().contains(name))
        {
            return Err(format!("the effect {name} of a fault has no `{stray}`"));
        }
        let missing = |member: &str| format!("the effect {name} of a fault needs `{member}`");
        let milliseconds =
            || flat.milliseconds.map(Duration::from_millis).ok_or_else(|| missing("milliseconds"));
        let effect = match flat.effect {
            EffectName::Error => {
                let code = flat.code.filter(|code| !code.is_empty()).ok_or_else(|| missing("code"))?;
                let message = flat.message.unwrap_or_else(|| usual_message(&code));
                Effect::Error { code, message }
            }
            EffectName::Respond => Effect::Respond {
                status: flat
                    .status
                    .filter(|status| (200..=999).contains(status))
                    .ok_or_else(|| missing("status") + " from 200 to 999")?,
                content_type: flat.content_type.unwrap_or_else(|| "text/html".into()),
                body: match (flat.body, flat.body_base64) {
                    (Some(_), Some(_)) => {
                        return Err("a fault takes `body` or `body_base64`, not both".into());
                    }
                    (Some(text), None) => text.into_bytes(),
                    (None, Some(base64)) => BASE64
                        .decode(base64)
                        .map_err(|error| format!("`body_base64` of a fault is not Base64: {error}"))?,
                    (None, None) => Vec::new(),
                },
            },
            EffectName::Latency => Effect::Latency(milliseconds()?),
            EffectName::Invisible => Effect::Invisible(Hiding {
                time: milliseconds()?,
                late_name_check: flat.late_name_check.unwrap_or_default(),
            }),
            EffectName::DropBefore => Effect::DropBefore,
            EffectName::DropAfter => Effect::DropAfter,
            EffectName::Truncate => Effect::Truncate,
            EffectName::CopyFails => Effect::CopyFails,
            EffectName::CopyNeverEnds => Effect::CopyNeverEnds,
        };
        if flat.probability.is_some_and(|probability| !(0.0..=1.0).contains(&probability)) {
            return Err("the `probability` of a fault must be from 0 to 1".into());
        }
        let mut fault = Self::new(effect);
        (fault.action, fault.region) = (flat.action, flat.region);
        (fault.left, fault.probability) = (flat.times, flat.probability);
        Ok(match flat.seed {
            Some(seed) => fault.seed(seed),
            None => fault,
        })
    }
}

impl From<Fault> for FlatFault {
    fn from(fault: Fault) -> Self {
        let mut flat = Self {
            action: fault.action,
            region: fault.region,
            times: fault.left,
            probability: fault.probability,
            seed: fault.seed,
            ..Self::default()
        };
        flat.effect = match fault.effect {
            Effect::Error { code, message } => {
                flat.message = Some(message).filter(|message| *message != usual_message(&code));
                flat.code = Some(code);
                EffectName::Error
            }
            Effect::Respond { status, content_type, body } => {
                (flat.status, flat.content_type) = (Some(status), Some(content_type));
                match String::from_utf8(body) {
                    Ok(text) => flat.body = Some(text),
                    Err(error) => flat.body_base64 = Some(BASE64.encode(error.as_bytes())),
                }
                EffectName::Respond
            }
            Effect::Latency(delay) => {
                flat.milliseconds = Some(whole_milliseconds(delay));
                EffectName::Latency
            }
            Effect::Invisible(hiding) => {
                flat.milliseconds = Some(whole_milliseconds(hiding.time));
                flat.late_name_check = Some(true).filter(|_| hiding.late_name_check);
                EffectName::Invisible
            }
            Effect::DropBefore => EffectName::DropBefore,
            Effect::DropAfter => EffectName::DropAfter,
            Effect::Truncate => EffectName::Truncate,
            Effect::CopyFails => EffectName::CopyFails,
            Effect::CopyNeverEnds => EffectName::CopyNeverEnds,
        };
        flat
    }
}

fn whole_milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_fault_is_read_as_it_is_written() {
        for fault in [
            Fault::error("InternalError").on("SyncImages").in_region("ap-beijing").times(2),
            Fault::error_with("InternalError", "It broke."),
            Fault::status(502, "<html>Bad Gateway</html>").probability(0.5).seed(9),
            Fault::respond(200, "application/json", vec![0xFF, 0x00]),
            Fault::latency(Duration::from_millis(1500)),
            Fault::drop_before(),
            Fault::drop_after(),
            Fault::truncated(),
            Fault::copy_fails(),
            Fault::copy_never_ends().times(0),
            Fault::invisible(Duration::from_secs(90)).on("SyncImages"),
            Fault::invisible(Duration::from_millis(1)).late_name_check(),
        ] {
            let text = serde_json::to_string(&fault).unwrap();
            assert_eq!(serde_json::from_str::<Fault>(&text).unwrap(), fault, "{text}");
        }
        let written = serde_json::to_value(Fault::drop_before().on("SyncImages")).unwrap();
        assert_eq!(written, json!({ "effect": "drop-before", "action": "SyncImages" }));
    }

    #[test]
    fn what_is_no_fault_is_refused_in_words() {
        let check = |value: serde_json::Value, expected: &str| {
            let error = serde_json::from_value::<Fault>(value).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(json!({}), "effect");
        check(json!({ "effect": "explode" }), "drop-before");
        check(json!({ "effect": "error" }), r#"the effect "error" of a fault needs `code`"#);
        check(json!({ "effect": "latency", "milliseconds": 1, "status": 502 }), "has no `status`");
        check(json!({ "effect": "invisible" }), r#"the effect "invisible" of a fault needs `milliseconds`"#);
        check(
            json!({ "effect": "latency", "milliseconds": 1, "late_name_check": true }),
            "has no `late_name_check`",
        );
        check(json!({ "effect": "respond", "status": 99 }), "from 200 to 999");
        check(json!({ "effect": "respond", "status": 200, "body_base64": "!" }), "not Base64");
        check(json!({ "effect": "truncate", "probability": 2 }), "from 0 to 1");
        check(json!({ "effect": "truncate", "colour": "red" }), "colour");
    }
}
