//! An action's parameters: read from any notation, and checked against the action's table.

use std::fmt::Write as _;

use cvm_proto::codec::{flatten, multipart, percent};
use serde_json::{Map, Value};

use crate::actions::specifications::CODES;
use crate::request::refusal::{Refusal, refuse};
use crate::request::skipped_checks::{self, SkippedChecks};

/// What the API says of an action.
#[derive(Debug)]
pub(crate) struct Specification {
    pub(crate) name: &'static str,
    /// How many requests a second an account may send in a region, if known.
    pub(crate) rate: Option<u32>,
    pub(crate) needs_region: bool,
    pub(crate) parameters: &'static [Parameter],
    /// The error codes that it documents.
    pub(crate) errors: Codes,
}

/// Error codes, as their places among those of all actions, in order: there are thousands, and a place takes two bytes
/// where a text and where it is take forty.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Codes(pub(crate) &'static [u16]);

impl Codes {
    /// The codes, sorted.
    pub(crate) fn iter(self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|&place| CODES[usize::from(place)])
    }

    /// Whether one of them is this.
    pub(crate) fn contains(self, code: &str) -> bool {
        CODES.binary_search(&code).is_ok_and(|place| self.0.iter().any(|&known| usize::from(known) == place))
    }
}

/// One parameter of an action, or one member of a structure.
#[derive(Debug)]
pub(crate) struct Parameter {
    name: &'static str,
    ty: ParameterType,
    required: bool,
}

/// What a parameter may be.
#[derive(Debug)]
pub(crate) enum ParameterType {
    /// A string.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number of 64 bits.
    Int,
    /// A whole number from 0 on, of 64 bits.
    Count,
    /// A list.
    List(&'static ParameterType),
    /// An object.
    Record(&'static [Parameter]),
}

/// A required parameter.
pub(crate) const fn required(name: &'static str, ty: ParameterType) -> Parameter {
    Parameter { name, ty, required: true }
}

/// An optional parameter.
pub(crate) const fn optional(name: &'static str, ty: ParameterType) -> Parameter {
    Parameter { name, ty, required: false }
}

/// Parameters as they came, before anybody has looked at them.
#[derive(Debug)]
pub(crate) struct Parameters {
    members: Map<String, Value>,
    scalars: Scalars,
    drops_unknown: bool,
}

/// Whether the notation tells numbers and flags from strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scalars {
    Typed,
    Text,
    /// It does, and both are accepted.
    Either,
}

impl Parameters {
    fn new(members: Map<String, Value>, scalars: Scalars) -> Self {
        Self { members, scalars, drops_unknown: false }
    }

    /// The same, to be checked less strictly.
    pub(crate) fn without(mut self, skipped_checks: SkippedChecks) -> Self {
        self.drops_unknown = skipped_checks.has(skipped_checks::Check::UnknownParameters);
        if skipped_checks.has(skipped_checks::Check::Types) {
            self.scalars = Scalars::Either;
        }
        self
    }

    /// From a JSON body. An empty one means no parameters.
    pub(crate) fn from_json(body: &[u8]) -> Result<Self, Refusal> {
        if body.is_empty() {
            return Ok(Self::new(Map::new(), Scalars::Typed));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self::new(members, Scalars::Typed)),
            Ok(_) => refuse("InvalidParameter", "The body is not a JSON object."),
            Err(error) => refuse("InvalidParameter", format!("The body is not JSON: {error}.")),
        }
    }

    /// From a query, still percent-encoded.
    pub(crate) fn from_query(query: &str) -> Result<Self, Refusal> {
        let pairs = percent::parse_pairs(query).map_err(|error| invalid(error.message()))?;
        Self::from_pairs(&pairs)
    }

    /// From decoded names and values, as `Filters.0.Name`.
    pub(crate) fn from_pairs(pairs: &[(String, String)]) -> Result<Self, Refusal> {
        match flatten::unflatten(pairs) {
            Ok(Value::Object(members)) => Ok(Self::new(members, Scalars::Text)),
            Ok(_) => refuse("InvalidParameter", "The parameters are not names and values."),
            Err(error) => Err(invalid(error.message())),
        }
    }

    /// From a multipart body, whose lists and structures are JSON. An empty one means no parameters, as a client
    /// in use writes them.
    pub(crate) fn from_multipart(body: &[u8], content_type: &str) -> Result<Self, Refusal> {
        let malformed =
            |why: &str| Refusal::new("InvalidRequest", format!("The multipart body is malformed: {why}."));
        let Some(boundary) = multipart::boundary_of(content_type) else {
            return Err(malformed("its content type names no boundary"));
        };
        let parts = if body.is_empty() {
            Vec::new()
        } else {
            multipart::decode(body, boundary).map_err(|error| malformed(error.message()))?
        };
        match multipart::from_parts(&parts) {
            Ok(members) => Ok(Self::new(members, Scalars::Text)),
            Err(error) => Err(malformed(error.message())),
        }
    }

    /// Checks the parameters against an action's table: those that are required are there, all are known, and of their types. Members
    /// that are null count as absent.
    pub(crate) fn checked(mut self, table: &[Parameter]) -> Result<Value, Refusal> {
        let mut check =
            ParamChecker { scalars: self.scalars, drops_unknown: self.drops_unknown, path: String::new() };
        check.record(&mut self.members, table)?;
        Ok(Value::Object(self.members))
    }
}

impl ParameterType {
    fn in_words(&self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Flag => "`true` or `false`",
            Self::Int => "a whole number",
            Self::Count => "a whole number from 0 on",
            Self::List(_) => "a list",
            Self::Record(_) => "an object",
        }
    }
}

/// A number that came as text, without a sign or a space that JSON would not have.
fn number(ty: &ParameterType, text: &str) -> Option<Value> {
    let number: serde_json::Number = text.parse().ok()?;
    let fits = if matches!(ty, ParameterType::Int) { number.is_i64() } else { number.is_u64() };
    fits.then_some(Value::Number(number))
}

fn invalid(message: &str) -> Refusal {
    Refusal::new("InvalidParameter", format!("{message}."))
}

struct ParamChecker {
    scalars: Scalars,
    drops_unknown: bool,
    /// The name of what is being looked at, as in `Filters.0.Name`.
    path: String,
}

impl ParamChecker {
    fn record(&mut self, members: &mut Map<String, Value>, table: &[Parameter]) -> Result<(), Refusal> {
        members.retain(|_, value| !value.is_null());
        for parameter in table {
            let value = members.get_mut(parameter.name);
            if value.is_none() && !parameter.required {
                continue;
            }
            let length = self.enter(parameter.name);
            let Some(value) = value else { return Err(self.missing()) };
            self.value(value, &parameter.ty)?;
            // An empty list cannot be told from an absent one in a query, so they are the same everywhere.
            if parameter.required && value.as_array().is_some_and(Vec::is_empty) {
                return Err(self.missing());
            }
            self.path.truncate(length);
        }
        let is_known = |name: &str| table.iter().any(|parameter| parameter.name == name);
        if self.drops_unknown {
            members.retain(|name, _| is_known(name));
        }
        match members.keys().find(|name| !is_known(name)) {
            None => Ok(()),
            Some(name) => {
                self.enter(&Shown(name).to_string());
                refuse("UnknownParameter", format!("The parameter `{}` is not recognized.", self.path))
            }
        }
    }

    fn value(&mut self, value: &mut Value, ty: &ParameterType) -> Result<(), Refusal> {
        match (ty, &mut *value) {
            (ParameterType::Text, Value::String(_)) | (ParameterType::Flag, Value::Bool(_)) => Ok(()),
            (ParameterType::Int, Value::Number(number)) if number.is_i64() => Ok(()),
            (ParameterType::Count, Value::Number(number)) if number.is_u64() => Ok(()),
            (ParameterType::Text, Value::Number(_) | Value::Bool(_)) if self.scalars == Scalars::Either => {
                *value = Value::String(value.to_string());
                Ok(())
            }
            (ParameterType::Flag, Value::String(text)) if self.scalars != Scalars::Typed => {
                let flag =
                    [true, false].into_iter().find(|flag| text.eq_ignore_ascii_case(&flag.to_string()));
                *value = Value::Bool(flag.ok_or_else(|| self.mistyped(ty.in_words()))?);
                Ok(())
            }
            (ParameterType::Int | ParameterType::Count, Value::String(text))
                if self.scalars != Scalars::Typed =>
            {
                *value = number(ty, text).ok_or_else(|| self.mistyped(ty.in_words()))?;
                Ok(())
            }
            (ParameterType::List(ty), Value::Array(items)) => {
                for (i, item) in items.iter_mut().enumerate() {
                    let length = self.enter(&i.to_string());
                    self.value(item, ty)?;
                    self.path.truncate(length);
                }
                Ok(())
            }
            (ParameterType::Record(table), Value::Object(members)) => self.record(members, table),
            _ => Err(self.mistyped(ty.in_words())),
        }
    }

    /// Adds a part to the path; returns the length to go back to.
    fn enter(&mut self, part: &str) -> usize {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(part);
        length
    }

    fn missing(&self) -> Refusal {
        Refusal::new("MissingParameter", format!("The request is missing the parameter `{}`.", self.path))
    }

    fn mistyped(&self, expected: &str) -> Refusal {
        Refusal::new(
            "InvalidParameter",
            format!("The parameter `{}` is of the wrong type: it must be {expected}.", self.path),
        )
    }
}

/// A client's own text, for a message: short, and without control characters.
pub(crate) struct Shown<'a>(pub(crate) &'a str);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const LONGEST: usize = 64;
        for c in self.0.chars().take(LONGEST).flat_map(char::escape_debug) {
            f.write_char(c)?;
        }
        if self.0.chars().nth(LONGEST).is_some() { f.write_str("...") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TABLE: &[Parameter] = &[
        required("Ids", ParameterType::List(&ParameterType::Text)),
        optional("DryRun", ParameterType::Flag),
        optional("Limit", ParameterType::Count),
        optional("Balance", ParameterType::Int),
        optional(
            "Filters",
            ParameterType::List(&ParameterType::Record(&[
                required("Name", ParameterType::Text),
                required("Values", ParameterType::List(&ParameterType::Text)),
            ])),
        ),
    ];

    fn code(parameters: Result<Parameters, Refusal>) -> String {
        let refusal = parameters.and_then(|parameters| parameters.checked(TABLE)).unwrap_err();
        refusal.to_string()
    }

    fn check_json(json: &str, expected: &str) {
        let got = code(Parameters::from_json(json.as_bytes()));
        assert!(got.contains(expected), "{json}: {got}");
    }

    fn check_query(query: &str, expected: &str) {
        let got = code(Parameters::from_query(query));
        assert!(got.contains(expected), "{query}: {got}");
    }

    #[test]
    fn every_notation_gives_the_same() {
        let expected = json!({
            "Ids": ["a", "b"], "DryRun": true, "Limit": 20, "Balance": -7, "Filters": [{ "Name": "n", "Values": ["x y"] }],
        });
        let json = Parameters::from_json(expected.to_string().as_bytes()).unwrap();
        assert_eq!(json.checked(TABLE).unwrap(), expected);
        let query =
            "Ids.0=a&Ids.1=b&DryRun=True&Limit=20&Balance=-7&Filters.0.Name=n&Filters.0.Values.0=x%20y";
        assert_eq!(Parameters::from_query(query).unwrap().checked(TABLE).unwrap(), expected);
        let parts = multipart::to_parts(&expected).unwrap();
        let body = multipart::encode(&parts, "edge").unwrap();
        let multipart = Parameters::from_multipart(&body, "multipart/form-data; boundary=edge").unwrap();
        assert_eq!(multipart.checked(TABLE).unwrap(), expected);
    }

    #[test]
    fn what_does_not_fit_can_be_let_through() {
        let read = |check| {
            let mut skipped_checks = SkippedChecks::default();
            skipped_checks.set(check, true);
            let body = br#"{"Ids":[7,"a"],"Limit":"20","DryRun":"True"}"#;
            let types = Parameters::from_json(body).unwrap().without(skipped_checks).checked(TABLE);
            let body = br#"{"Ids":["a"],"X":1,"Filters":[{"Name":"n","Values":["v"],"Y":2}]}"#;
            let unknown = Parameters::from_json(body).unwrap().without(skipped_checks).checked(TABLE);
            (types.ok(), unknown.ok())
        };
        let typed = json!({ "Ids": ["7", "a"], "Limit": 20, "DryRun": true });
        assert_eq!(read(skipped_checks::Check::Types), (Some(typed), None));
        let known = json!({ "Ids": ["a"], "Filters": [{ "Name": "n", "Values": ["v"] }] });
        assert_eq!(read(skipped_checks::Check::UnknownParameters), (None, Some(known)));
        assert_eq!(read(skipped_checks::Check::Rates), (None, None));
    }

    #[test]
    fn null_counts_as_absent() {
        let parameters = Parameters::from_json(br#"{"Ids":["a"],"DryRun":null}"#).unwrap();
        assert_eq!(parameters.checked(TABLE).unwrap(), json!({ "Ids": ["a"] }));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        check_json("", "MissingParameter: The request is missing the parameter `Ids`");
        check_json(r#"{"Ids":[]}"#, "MissingParameter");
        check_json(r#"{"Ids":["a"],"Filters":[{"Name":"n"}]}"#, "`Filters.0.Values`");
        check_json(
            r#"{"Ids":["a"],"Filters":[{"Name":"n","Values":["v"],"X":1}]}"#,
            "UnknownParameter: The parameter `Filters.0.X`",
        );
        check_json(
            r#"{"Ids":["a"],"Limit":"20"}"#,
            "InvalidParameter: The parameter `Limit` is of the wrong type",
        );
        check_json(r#"{"Ids":["a"],"Limit":-1}"#, "`Limit`");
        check_json(r#"{"Ids":["a"],"Limit":1.5}"#, "`Limit`");
        check_json(r#"{"Ids":["a"],"DryRun":"true"}"#, "`DryRun`");
        check_json(r#"{"Ids":"a"}"#, "`Ids` is of the wrong type: it must be a list");
        check_json(r#"{"Ids":[7]}"#, "`Ids.0`");
        check_json("[]", "not a JSON object");
        check_json(r#"{"Ids":"#, "not JSON");
        check_query("", "MissingParameter");
        check_query("Ids.0=a&Colour=red", "UnknownParameter: The parameter `Colour`");
        check_query("Ids.0=a&Limit=+1", "`Limit`");
        check_query("Ids.0=a&Limit=%201", "`Limit`");
        check_query("Ids.0=a&Balance=1.5", "`Balance` is of the wrong type: it must be a whole number");
        check_json(r#"{"Ids":["a"],"Balance":1.0}"#, "`Balance`");
        check_query("Ids.0=a&DryRun=yes", "`DryRun`");
        check_query("Ids.0=a&Ids.2=b", "InvalidParameter");
        check_query("Ids=a", "a list");
    }

    #[test]
    fn a_clients_text_is_cut_and_escaped() {
        assert_eq!(Shown("a\nb").to_string(), "a\\nb");
        assert_eq!(Shown(&"x".repeat(100)).to_string().len(), 67);
    }
}
