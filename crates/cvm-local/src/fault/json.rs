//! A fault as one flat JSON object, for people to write and programs to read.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cvm_proto::input;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{Effect, Fault, Hiding, usual_message};
use crate::request::params::Shown;

/// A fault as somebody wrote it. It is read member by member, so that whoever mistook one is told in our words.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// Takes one; none if it is not given, or `null`.
    fn take<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, String> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => read(&value).map(Some).ok_or_else(|| {
                let shown = match &value {
                    Value::String(text) => format!("\"{}\"", Shown(text)),
                    other => Shown(&other.to_string()).to_string(),
                };
                format!("`{name}` of a fault is {shown}: give {expected}")
            }),
        }
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, String> {
        self.take(name, "a text", |value| value.as_str().map(str::to_owned))
    }

    fn whole(&mut self, name: &str) -> Result<Option<u64>, String> {
        self.take(name, "a whole number from 0 upwards", Value::as_u64)
    }

    /// What is left is nothing that a fault has.
    fn end(self) -> Result<(), String> {
        let Some(name) = self.0.keys().next() else { return Ok(()) };
        let shown = Shown(name);
        Err(match input::closest(name, MEMBERS.into_iter()) {
            Some(meant) => format!("a fault has no `{shown}`: did you mean `{meant}`?"),
            None => format!("a fault has no `{shown}`: it may have {}", MEMBERS.join(", ")),
        })
    }
}

/// The names of all members.
const MEMBERS: [&str; 14] = [
    "effect",
    "code",
    "message",
    "status",
    "content_type",
    "body",
    "body_base64",
    "milliseconds",
    "late_name_check",
    "action",
    "region",
    "times",
    "probability",
    "seed",
];

/// Every member that a fault may have. Which of them belong together is found when it becomes a [`Fault`].
#[derive(Default, Serialize)]
pub(super) struct FlatFault {
    effect: EffectName,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    milliseconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    late_name_check: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    probability: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

/// The effects by their names.
#[derive(Clone, Copy, Default)]
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
    const ALL: [Self; 9] = [
        Self::Error,
        Self::Respond,
        Self::Latency,
        Self::DropBefore,
        Self::DropAfter,
        Self::Truncate,
        Self::CopyFails,
        Self::CopyNeverEnds,
        Self::Invisible,
    ];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Respond => "respond",
            Self::Latency => "latency",
            Self::DropBefore => "drop-before",
            Self::DropAfter => "drop-after",
            Self::Truncate => "truncate",
            Self::CopyFails => "copy-fails",
            Self::CopyNeverEnds => "copy-never-ends",
            Self::Invisible => "invisible",
        }
    }

    fn named(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|effect| effect.as_str() == text).ok_or_else(|| {
            let (names, shown) = (Self::ALL.map(Self::as_str), Shown(text));
            match input::closest(text, names.into_iter()) {
                Some(meant) => format!("a fault has no effect `{shown}`: did you mean `{meant}`?"),
                None => format!("a fault has no effect `{shown}`: use one of {}", names.join(", ")),
            }
        })
    }

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

impl Serialize for EffectName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl TryFrom<Members> for Fault {
    type Error = String;

    fn try_from(mut members: Members) -> Result<Self, String> {
        let effect = members.text("effect")?.ok_or_else(|| {
            format!("a fault needs an `effect`: {}", EffectName::ALL.map(EffectName::as_str).join(", "))
        })?;
        let flat = FlatFault {
            effect: EffectName::named(&effect)?,
            code: members.text("code")?,
            message: members.text("message")?,
            status: members.take("status", "a whole number from 200 to 999", |value| {
                value.as_u64().and_then(|status| status.try_into().ok())
            })?,
            content_type: members.text("content_type")?,
            body: members.text("body")?,
            body_base64: members.text("body_base64")?,
            milliseconds: members.whole("milliseconds")?,
            late_name_check: members.take("late_name_check", "true or false", Value::as_bool)?,
            action: members.text("action")?,
            region: members.text("region")?,
            times: members.whole("times")?,
            probability: members.take("probability", "a number from 0 to 1", Value::as_f64)?,
            seed: members.whole("seed")?,
        };
        members.end()?;
        flat.try_into()
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
        let name = flat.effect.as_str();
        if let Some((stray, _)) =
            given.iter().find(|(name, given)| *given && !flat.effect.members().contains(name))
        {
            return Err(format!("the effect `{name}` of a fault has no `{stray}`"));
        }
        let missing = |member: &str| format!("the effect `{name}` of a fault needs `{member}`");
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
        check(json!({ "effect": "explode" }), "use one of error, respond, latency, drop-before");
        check(json!({ "effect": "eror" }), "a fault has no effect `eror`: did you mean `error`?");
        check(json!({ "effect": 3 }), "`effect` of a fault is 3: give a text");
        check(json!({ "effect": "latency", "millisecond": 3 }), "did you mean `milliseconds`?");
        check(
            json!({ "effect": "truncate", "times": "3" }),
            r#"`times` of a fault is "3": give a whole number from 0 upwards"#,
        );
        check(json!({ "effect": "respond", "status": 70_000 }), "from 200 to 999");
        check(json!({ "effect": "error" }), "the effect `error` of a fault needs `code`");
        check(json!({ "effect": "latency", "milliseconds": 1, "status": 502 }), "has no `status`");
        check(json!({ "effect": "invisible" }), "the effect `invisible` of a fault needs `milliseconds`");
        check(
            json!({ "effect": "latency", "milliseconds": 1, "late_name_check": true }),
            "has no `late_name_check`",
        );
        check(json!({ "effect": "respond", "status": 99 }), "from 200 to 999");
        check(json!({ "effect": "respond", "status": 200, "body_base64": "!" }), "not Base64");
        check(json!({ "effect": "truncate", "probability": 2 }), "from 0 to 1");
        check(
            json!({ "effect": "truncate", "colour": "red" }),
            "a fault has no `colour`: it may have effect, ",
        );
    }
}
