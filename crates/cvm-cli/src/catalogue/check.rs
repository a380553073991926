//! Checks a request against the catalogue before it is sent.

use cvm_proto::{input, output as text};
use serde_json::Value;

use super::{Action, Catalogue, Member, MemberType};

/// What is wrong with one place of a request.
pub struct Mistake {
    /// Members by their names and entries of lists by their numbers, from the request to the place.
    place: Vec<Step>,
    what: What,
}

#[derive(Clone)]
enum Step {
    Member(String),
    Entry(usize),
}

enum What {
    /// There is no member of this name; if one was probably meant, that, else all that there are.
    Unknown(Result<&'static str, Vec<&'static str>>),
    Missing,
    Unfit {
        found: String,
        expected: &'static str,
    },
}

impl Mistake {
    /// One sentence, with the place as the command line has it: `Filters.0.Name`.
    pub(crate) fn dotted(&self) -> String {
        self.sentence(|at| format!(".{at}"))
    }

    /// One sentence, with the place as programs write it: `Filters[0].Name`.
    pub fn indexed(&self) -> String {
        self.sentence(|at| format!("[{at}]"))
    }

    /// Whether there is no such name as far as this build knows, nor one like it: it may be newer than this build.
    pub fn may_be_newer(&self) -> bool {
        matches!(self.what, What::Unknown(Err(_)))
    }

    /// Several as one sentence, each with its place as [`indexed`](Self::indexed) has it.
    pub fn sentence_of(mistakes: &[Self]) -> String {
        Self::joined(mistakes.iter().map(Self::indexed))
    }

    /// Several sentences as one: one that asks needs no other mark before the next.
    pub(crate) fn joined(sentences: impl Iterator<Item = String>) -> String {
        let mut all = String::new();
        for sentence in sentences {
            if !all.is_empty() {
                all.push_str(if all.ends_with('?') { " " } else { "; " });
            }
            all.push_str(&sentence);
        }
        all
    }

    fn sentence(&self, entry: impl Fn(usize) -> String) -> String {
        let steps = self.place.iter().map(|step| match step {
            Step::Member(name) => format!(".{}", text::escaped(name)),
            Step::Entry(at) => entry(*at),
        });
        let place = steps.collect::<String>();
        let place = match place.trim_start_matches('.') {
            "" => "the request",
            place => place,
        };
        match &self.what {
            What::Unknown(Ok(meant)) => format!("there is no parameter `{place}`: did you mean `{meant}`?"),
            What::Unknown(Err(known)) if known.is_empty() => {
                format!("there is no parameter `{place}`: there are none")
            }
            What::Unknown(Err(known)) => {
                format!("there is no parameter `{place}`: there are {}", known.join(", "))
            }
            What::Missing => format!("{place} is missing: it is required"),
            What::Unfit { found, expected } => format!("{place} is {found}: give {expected}"),
        }
    }
}

/// Looks at a request from its top to its leaves.
struct Check<'a> {
    catalogue: &'a Catalogue,
    place: Vec<Step>,
    mistakes: Vec<Mistake>,
}

impl Catalogue {
    /// What is wrong with the parameters of an action; nothing if nothing is.
    pub(crate) fn check(&self, action: &Action, parameters: &Value) -> Vec<Mistake> {
        let mut check = Check { catalogue: self, place: Vec::new(), mistakes: Vec::new() };
        check.members(&action.request, parameters, false);
        check.mistakes
    }

    /// Takes what was typed for what is due: a guess for the text that it was typed as, and one value for a list of one.
    pub(crate) fn fit(&self, members: &[Member], value: &mut Value) {
        let Value::Object(given) = value else { return };
        for (name, value) in given {
            if let Some(member) = members.iter().find(|member| member.name == name) {
                self.fit_value(member.kind, value);
            }
        }
    }

    fn fit_value(&self, kind: &'static str, value: &mut Value) {
        match (self.kind(kind), &mut *value) {
            // A guess writes back as it was typed.
            (MemberType::Text | MemberType::Enum(_), Value::Number(_) | Value::Bool(_)) => {
                *value = value.to_string().into();
            }
            (MemberType::Type(known), _) => self.fit(&known.members, value),
            (MemberType::List(element), Value::Array(items)) => {
                for item in items {
                    self.fit_value(element, item);
                }
            }
            (MemberType::List(element), Value::String(_) | Value::Number(_) | Value::Bool(_)) => {
                self.fit_value(element, value);
                *value = Value::Array(vec![value.take()]);
            }
            _ => {}
        }
    }
}

impl Check<'_> {
    fn members(&mut self, members: &[Member], value: &Value, secret: bool) {
        let Value::Object(given) = value else {
            return self.unfit(value, secret, "an object");
        };
        let mut all_meant = Vec::new();
        for (name, value) in given {
            self.place.push(Step::Member(name.clone()));
            if let Some(member) = members.iter().find(|member| member.name == name) {
                self.value(member.kind, value, secret || member.secret);
            } else {
                let known = || members.iter().map(|member| member.name);
                let meant = input::closest(name, known());
                all_meant.extend(meant);
                self.wrong(What::Unknown(meant.ok_or_else(|| known().collect())));
            }
            self.place.pop();
        }
        for member in members.iter().filter(|member| member.required) {
            // What was meant to be it is told already.
            if given.get(member.name).is_none_or(Value::is_null) && !all_meant.contains(&member.name) {
                self.place.push(Step::Member(member.name.into()));
                self.wrong(What::Missing);
                self.place.pop();
            }
        }
    }

    fn value(&mut self, kind: &'static str, value: &Value, secret: bool) {
        let catalogue = self.catalogue;
        let expected = match (catalogue.kind(kind), value) {
            // The service takes null for absent.
            (_, Value::Null) => return,
            (MemberType::Text | MemberType::Enum(_), Value::String(_)) => return,
            (MemberType::Boolean, Value::Bool(_)) | (MemberType::Float, Value::Number(_)) => return,
            (MemberType::Integer, Value::Number(number)) if number.is_i64() => return,
            (MemberType::Unsigned, Value::Number(number)) if number.is_u64() => return,
            (MemberType::Type(known), _) => return self.members(&known.members, value, secret),
            (MemberType::List(element), Value::Array(items)) => {
                for (at, item) in items.iter().enumerate() {
                    self.place.push(Step::Entry(at));
                    self.value(element, item, secret);
                    self.place.pop();
                }
                return;
            }
            (MemberType::Text | MemberType::Enum(_), _) => "a text",
            (MemberType::Boolean, _) => "true or false",
            (MemberType::Float, _) => "a number",
            (MemberType::Integer, _) => "a whole number",
            (MemberType::Unsigned, _) => "a whole number from 0",
            (MemberType::List(_), _) => "a list",
        };
        self.unfit(value, secret, expected);
    }

    fn unfit(&mut self, value: &Value, secret: bool, expected: &'static str) {
        // A text in the wrong place may be a secret that belongs elsewhere.
        let found = match value {
            Value::String(_) => "a text".into(),
            Value::Number(_) if secret => "a number".into(),
            value => shown(value),
        };
        self.wrong(What::Unfit { found, expected });
    }

    fn wrong(&mut self, what: What) {
        self.mistakes.push(Mistake { place: self.place.clone(), what });
    }
}

/// A value as far as a message can hold it.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
        Value::String(text) => format!("the text {:?}", text.chars().take(40).collect::<String>()),
        plain => plain.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(name: &str, parameters: &Value, expected: &[&str]) {
        let catalogue = Catalogue::load();
        let mistakes = catalogue.check(catalogue.action(name).unwrap(), parameters);
        assert_eq!(mistakes.iter().map(Mistake::indexed).collect::<Vec<_>>(), expected, "{parameters}");
    }

    #[test]
    fn good_requests_pass() {
        check(
            "SyncImages",
            &json!({"ImageIds": ["img-1"], "DestinationRegions": ["ap-beijing"], "DryRun": null}),
            &[],
        );
        check("DescribeImages", &json!({"Filters": [{"Name": "a", "Values": []}], "Limit": 20}), &[]);
        check("RunInstances", &json!({"InstanceChargeType": "BRAND_NEW", "Placement": {"Zone": "z"}}), &[]);
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        check(
            "SyncImages",
            &json!({"ImageId": ["img-1"], "DestinationRegions": "ap-beijing"}),
            &[
                "there is no parameter `ImageId`: did you mean `ImageIds`?",
                "DestinationRegions is a text: give a list",
            ],
        );
        check(
            "DescribeImages",
            &json!({"Filters": [{"Nam": "a", "Values": [1]}], "Limit": -1, "Frob": 1}),
            &[
                "there is no parameter `Filters[0].Nam`: did you mean `Name`?",
                "Filters[0].Values[0] is 1: give a text",
                "Limit is -1: give a whole number from 0",
                "there is no parameter `Frob`: there are ImageIds, Filters, Offset, Limit, InstanceType",
            ],
        );
        check(
            "DescribeImages",
            &json!({"Filters": [{"Nam": 1}]}),
            &[
                "there is no parameter `Filters[0].Nam`: did you mean `Name`?",
                "Filters[0].Values is missing: it is required",
            ],
        );
        check("DescribeImages", &json!([1]), &["the request is a list: give an object"]);
        check(
            "SyncImages",
            &json!({"ImageIds": null, "DestinationRegions": []}),
            &["ImageIds is missing: it is required"],
        );
    }

    #[test]
    fn a_place_is_written_as_whoever_gave_it_does() {
        let catalogue = Catalogue::load();
        let parameters = json!({"Filters": [{"Name": "a", "Values": [true]}]});
        let mistakes = catalogue.check(catalogue.action("DescribeImages").unwrap(), &parameters);
        assert_eq!(mistakes[0].dotted(), "Filters.0.Values.0 is true: give a text");
        assert_eq!(mistakes[0].indexed(), "Filters[0].Values[0] is true: give a text");
    }

    #[test]
    fn no_secret_is_shown() {
        for parameters in [
            json!({"InstanceIds": ["ins-1"], "Password": 5_318_008}),
            json!({"InstanceIds": ["ins-1"], "Password": {"5318008": 1}}),
            json!({"InstanceIds": "5318008", "Password": ["5318008"]}),
        ] {
            let catalogue = Catalogue::load();
            let mistakes = catalogue.check(catalogue.action("ResetInstancesPassword").unwrap(), &parameters);
            assert!(!mistakes.is_empty(), "{parameters}");
            assert!(mistakes.iter().all(|mistake| !mistake.indexed().contains("5318008")), "{parameters}");
        }
    }

    #[test]
    fn a_number_is_a_text_where_a_text_is_due() {
        let catalogue = Catalogue::load();
        let mut parameters = json!({"ImageIds": [7], "ImageName": 2026, "DryRun": true, "KmsKeyId": false});
        catalogue.fit(&catalogue.action("SyncImages").unwrap().request, &mut parameters);
        let expected = json!({"ImageIds": ["7"], "ImageName": "2026", "DryRun": true, "KmsKeyId": "false"});
        assert_eq!(parameters, expected);
    }

    #[test]
    fn one_value_is_a_list_of_one() {
        let catalogue = Catalogue::load();
        let mut parameters =
            json!({"ImageIds": "img-1", "Filters": [{"Name": "a", "Values": 7}], "Limit": 1});
        catalogue.fit(&catalogue.action("DescribeImages").unwrap().request, &mut parameters);
        let expected =
            json!({"ImageIds": ["img-1"], "Filters": [{"Name": "a", "Values": ["7"]}], "Limit": 1});
        assert_eq!(parameters, expected);
    }

    #[test]
    fn every_example_is_a_good_request() {
        let catalogue = Catalogue::load();
        for (name, action) in catalogue.actions() {
            for extent in [super::super::example::Extent::Required, super::super::example::Extent::All] {
                let example = catalogue.example(&action.request, extent);
                let mistakes = catalogue.check(action, &example);
                assert_eq!(mistakes.iter().map(Mistake::dotted).collect::<Vec<_>>(), [""; 0], "{name}");
            }
        }
    }
}
