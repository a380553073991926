//! A member of a structure, and how it stands in Rust.

use super::doc_comment;

pub(super) struct Member {
    pub(super) wire: String,
    pub(super) field: String,
    pub(super) ty: MemberType,
    /// Whether its structure is part of requests: then `required` rules, else `nullable`.
    pub(super) input: bool,
    pub(super) required: bool,
    pub(super) nullable: bool,
    pub(super) deprecated: bool,
    pub(super) secret: bool,
    pub(super) doc: String,
    pub(super) max_items: Option<u32>,
    pub(super) max_value: Option<u64>,
    pub(super) max_chars: Option<u32>,
}

#[derive(Clone, PartialEq)]
pub(super) enum MemberType {
    Text,
    Int,
    Uint,
    Float,
    Bool,
    Enum(String),
    Struct(String),
    List(Box<MemberType>),
}

impl MemberType {
    pub(super) fn is_struct(&self) -> bool {
        matches!(self, Self::Struct(_))
    }

    /// What a list is of; any other type itself.
    pub(super) fn element(&self) -> &Self {
        match self {
            Self::List(of) => of,
            other => other,
        }
    }

    /// The type in Rust, without what the member adds.
    pub(super) fn rust(&self) -> String {
        match self {
            Self::Text => "String".into(),
            // The specification has one name signed here and unsigned there (`Limit`, `TotalCount`, `Memory`), and means
            // "no limit" by -1. One type takes all, and no value that the service may answer fails to be read.
            Self::Int | Self::Uint => "i64".into(),
            Self::Float => "f64".into(),
            Self::Bool => "bool".into(),
            Self::Enum(name) | Self::Struct(name) => name.clone(),
            Self::List(of) => format!("Vec<{}>", of.rust()),
        }
    }

    /// The shared type that has to be imported for this one.
    pub(super) fn import(&self) -> Option<&str> {
        match self.element() {
            Self::Enum(name) | Self::Struct(name) => Some(name),
            _ => None,
        }
    }

    /// The type of a parameter that takes this one, and what makes it of the parameter `value`.
    fn parameter(&self) -> (String, String) {
        match self {
            Self::Text | Self::Enum(_) => (format!("impl Into<{}>", self.rust()), "VALUE.into()".into()),
            Self::List(of) => match &**of {
                Self::Text | Self::Enum(_) => (
                    format!("impl IntoIterator<Item: Into<{}>>", of.rust()),
                    "VALUE.into_iter().map(Into::into).collect()".into(),
                ),
                of => {
                    (format!("impl IntoIterator<Item = {}>", of.rust()), "VALUE.into_iter().collect()".into())
                }
            },
            plain => (plain.rust(), "VALUE".into()),
        }
    }
}

impl Member {
    fn is_list(&self) -> bool {
        matches!(self.ty, MemberType::List(_))
    }

    /// Whether the field is an `Option`: absent says something that no value of the type says.
    pub(super) fn is_option(&self) -> bool {
        !self.is_list() && if self.input { !self.required } else { self.nullable }
    }

    pub(super) fn rust_type(&self) -> String {
        if self.is_option() { format!("Option<{}>", self.ty.rust()) } else { self.ty.rust() }
    }

    fn deprecated(&self) -> &str {
        if self.deprecated { "#[deprecated = \"The service no longer recommends it.\"]\n" } else { "" }
    }

    /// The field of the structure.
    pub(super) fn declaration(&self) -> String {
        format!(
            "{}{}pub {}: {},\n",
            doc_comment::lines(&self.doc),
            self.deprecated(),
            self.field,
            self.rust_type()
        )
    }

    /// The chainable setter of an optional member.
    pub(super) fn setter(&self) -> String {
        let (parameter, make) = self.ty.parameter();
        let value = make.replace("VALUE", "value");
        let value = if self.is_option() { format!("Some({value})") } else { value };
        let allow = if self.deprecated { "#[allow(deprecated)]\n" } else { "" };
        format!(
            "/// Sets `{}`.\n{}{allow}#[must_use]\npub fn {}(mut self, value: {parameter}) -> Self {{\n\
             self.{} = {value};\nself\n}}\n",
            self.wire,
            self.deprecated(),
            self.field,
            self.field
        )
    }

    /// The constructor's parameter of a required member, and the field's initializer.
    pub(super) fn argument(&self) -> (String, String) {
        let (parameter, make) = self.ty.parameter();
        let value = make.replace("VALUE", &self.field);
        let set = if value == self.field { value } else { format!("{}: {value}", self.field) };
        (format!("{}: {parameter}", self.field), set)
    }

    /// The member's line in the table that reads and writes it.
    pub(super) fn table_line(&self) -> String {
        format!("\"{}\" => {}{},\n", self.wire, self.field, if self.required { " required" } else { "" })
    }

    /// The checks of limits that are documented for a request and known to hold.
    pub(super) fn checks(&self, action: &str) -> Vec<String> {
        let path = format!("{action}.{}", self.wire);
        let mut out = Vec::new();
        if self.is_list() {
            if self.required {
                out.push(format!("check::not_empty(\"{path}\", &self.{})", self.field));
            }
            // Accounts are limited for each image, not for each call.
            if let Some(max) = self.max_items.filter(|_| self.wire != "AccountIds") {
                out.push(format!("check::max_items(\"{path}\", &self.{}, {max})", self.field));
            }
        }
        if let Some(max) =
            self.max_chars.filter(|_| self.wire.starts_with("Image") && self.ty == MemberType::Text)
        {
            let value = if self.is_option() {
                format!("self.{}.as_deref()", self.field)
            } else {
                format!("Some(&self.{})", self.field)
            };
            out.push(format!("check::max_chars(\"{path}\", {value}, {max})"));
        }
        if let Some(max) = self.max_value.filter(|_| matches!(self.wire.as_str(), "Limit" | "MaxResults")) {
            let value = if self.is_option() {
                format!("self.{}", self.field)
            } else {
                format!("Some(self.{})", self.field)
            };
            out.push(format!("check::page_size(\"{path}\", {value}, {max})"));
        }
        out
    }
}
