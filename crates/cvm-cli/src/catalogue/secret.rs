//! What is secret in a request.

use serde_json::Value;

use super::{Catalogue, Member, MemberType};

/// What stands for a secret.
const MASK: &str = "***";

/// What the names of secrets hold, in lower case. It decides where the catalogue does not know a member.
const NAMES: [&str; 6] = ["password", "passwd", "secret", "privatekey", "userdata", "token"];

/// What has such a name and is none: a number that makes a request safe to repeat.
const NO_SECRET: &str = "clienttoken";

impl Catalogue {
    /// The parameters of an action without what is secret in them.
    pub(crate) fn masked(&self, action: &str, mut parameters: Value) -> Value {
        let members = self.action(action).map_or(&[][..], |action| &action.request);
        self.mask(members, &mut parameters);
        parameters
    }

    fn mask(&self, members: &[Member], value: &mut Value) {
        let given = match value {
            Value::Object(given) => given,
            Value::Array(items) => return items.iter_mut().for_each(|item| self.mask(members, item)),
            _ => return,
        };
        for (name, value) in given {
            match members.iter().find(|member| member.name == name) {
                Some(member) if member.secret => *value = MASK.into(),
                Some(member) => self.mask(self.members(member.kind), value),
                None if is_secret(name) => *value = MASK.into(),
                None => self.mask(&[], value),
            }
        }
    }

    /// The members of a type, or of the entries of a list.
    fn members(&self, kind: &'static str) -> &[Member] {
        match self.kind(kind) {
            MemberType::Type(known) => &known.members,
            MemberType::List(element) => self.members(element),
            _ => &[],
        }
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    name != NO_SECRET && NAMES.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        let catalogue = Catalogue::load();
        for (action, parameters, masked) in [
            (
                "ResetInstancesPassword",
                json!({ "Password": "hunter2", "InstanceIds": ["ins-1"] }),
                json!({ "Password": "***", "InstanceIds": ["ins-1"] }),
            ),
            (
                "RunInstances",
                json!({ "LoginSettings": { "Password": "hunter2", "KeyIds": ["skey-1"] }, "UserData": "aHVudGVyMg==", "ClientToken": "c" }),
                json!({ "LoginSettings": { "Password": "***", "KeyIds": ["skey-1"] }, "UserData": "***", "ClientToken": "c" }),
            ),
            (
                "RunInstances",
                json!({ "Metadata": { "Items": [{ "Key": "k", "Value": "hunter2" }] }, "TagSpecification": [{ "Tags": [{ "Key": "k", "Value": "v" }] }] }),
                json!({ "Metadata": { "Items": [{ "Key": "k", "Value": "***" }] }, "TagSpecification": [{ "Tags": [{ "Key": "k", "Value": "v" }] }] }),
            ),
            ("EnterRescueMode", json!({ "Password": ["hunter2"] }), json!({ "Password": "***" })),
            // What this build does not know.
            (
                "DoSomethingNew",
                json!({ "NewPassword": "hunter2", "A": [{ "SecretKey": 5 }] }),
                json!({ "NewPassword": "***", "A": [{ "SecretKey": "***" }] }),
            ),
            (
                "DescribeImages",
                json!({ "password": "hunter2", "Limit": 1 }),
                json!({ "password": "***", "Limit": 1 }),
            ),
            ("DescribeImages", json!("text"), json!("text")),
        ] {
            assert_eq!(catalogue.masked(action, parameters), masked, "{action}");
        }
    }
}
