//! Checks a request against the catalogue before it is sent.

use cvm_proto::input;
use serde_json::Value;

use super::{Action, Catalogue, Member, MemberType};

impl Catalogue {
    /// What is wrong with the parameters of an action, a sentence each; nothing if nothing is.
    pub(crate) fn check(&self, name: &str, action: &Action, parameters: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        self.check_members(name, &action.request, parameters, &mut wrong);
        wrong
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

    fn check_members(&self, path: &str, members: &[Member], value: &Value, wrong: &mut Vec<String>) {
        let Value::Object(given) = value else {
            wrong.push(format!("{path} is {}: give an object", shown(value)));
            return;
        };
        for (name, value) in given {
            if let Some(member) = members.iter().find(|member| member.name == name) {
                self.check_value(&format!("{path}.{name}"), member.kind, value, wrong);
            } else {
                let meant = input::closest(name, members.iter().map(|member| member.name));
                let hint = meant.map_or_else(
                    || "`cvm describe` lists what there is".to_string(),
                    |meant| format!("did you mean {meant}?"),
                );
                wrong.push(format!("{path} has no member {name}: {hint}"));
            }
        }
        for member in members.iter().filter(|member| member.required && !given.contains_key(member.name)) {
            wrong.push(format!("{path}.{} is missing: it is required", member.name));
        }
    }

    fn check_value(&self, path: &str, kind: &'static str, value: &Value, wrong: &mut Vec<String>) {
        let expected = match (self.kind(kind), value) {
            // The service takes null for absent.
            (_, Value::Null) => return,
            (MemberType::Text | MemberType::Enum(_), Value::String(_)) => return,
            (MemberType::Boolean, Value::Bool(_)) | (MemberType::Float, Value::Number(_)) => return,
            (MemberType::Integer, Value::Number(number)) if number.is_i64() => return,
            (MemberType::Unsigned, Value::Number(number)) if number.is_u64() => return,
            (MemberType::Type(known), _) => return self.check_members(path, &known.members, value, wrong),
            (MemberType::List(element), Value::Array(items)) => {
                for (at, item) in items.iter().enumerate() {
                    self.check_value(&format!("{path}.{at}"), element, item, wrong);
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
        wrong.push(format!("{path} is {}: give {expected}", shown(value)));
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
        let action = catalogue.action(name).unwrap();
        assert_eq!(catalogue.check(name, action, parameters), expected, "{parameters}");
    }

    #[test]
    fn good_requests_pass() {
        check(
            "SyncImages",
            &json!({"ImageIds": ["img-1"], "DestinationRegions": ["ap-beijing"], "DryRun": null}),
            &[],
        );
        check("DescribeImages", &json!({"Filters": [{"Name": "a", "Values": []}], "Limit": 20}), &[]);
        check("RunInstances", &json!({"InstanceChargeType": "BRAND_NEW"}), &[]);
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        check(
            "SyncImages",
            &json!({"ImageId": ["img-1"], "DestinationRegions": "ap-beijing"}),
            &[
                "SyncImages has no member ImageId: did you mean ImageIds?",
                "SyncImages.DestinationRegions is the text \"ap-beijing\": give a list",
                "SyncImages.ImageIds is missing: it is required",
            ],
        );
        check(
            "DescribeImages",
            &json!({"Filters": [{"Nam": "a", "Values": [1]}], "Limit": -1, "Frob": 1}),
            &[
                "DescribeImages.Filters.0 has no member Nam: did you mean Name?",
                "DescribeImages.Filters.0.Values.0 is 1: give a text",
                "DescribeImages.Filters.0.Name is missing: it is required",
                "DescribeImages.Limit is -1: give a whole number from 0",
                "DescribeImages has no member Frob: `cvm describe` lists what there is",
            ],
        );
        check("DescribeImages", &json!([1]), &["DescribeImages is a list: give an object"]);
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
                assert_eq!(catalogue.check(name, action, &example), [""; 0], "{name}");
            }
        }
    }
}
