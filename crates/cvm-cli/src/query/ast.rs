//! What an expression is made of.

use serde_json::Value;

use super::functions::Function;

/// A part of an expression. Each makes a value of the one that it is applied to.
#[derive(Debug)]
pub(super) enum Node {
    /// `@`, and what is left out.
    Current,
    Field(String),
    Literal(Value),
    Index(i64),
    Slice {
        start: Option<i64>,
        end: Option<i64>,
        step: Option<i64>,
    },
    /// `a.b` and `a | b`: one after the other.
    Chain(Vec<Node>),
    /// `a[0]`: one after the other as well, but what follows in brackets becomes part of it.
    Indexed(Vec<Node>),
    /// `a[*].b`: the second applied to each item of the first.
    Items(Box<Node>, Box<Node>),
    /// `a.*.b`: the second applied to each member's value of the first.
    Members(Box<Node>, Box<Node>),
    Filter {
        list: Box<Node>,
        condition: Box<Node>,
        then: Box<Node>,
    },
    Flatten(Box<Node>),
    Compare(Comparison, Box<Node>, Box<Node>),
    Or(Vec<Node>),
    And(Vec<Node>),
    Not(Box<Node>),
    /// `[a, b]`
    List(Vec<Node>),
    /// `{a: b}`
    Object(Vec<(String, Node)>),
    Call(&'static Function, Vec<Argument>),
}

/// An argument of a function.
#[derive(Debug)]
pub(super) enum Argument {
    Value(Node),
    /// `&a`: applied by the function itself.
    Expression(Node),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Comparison {
    pub(super) const fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        }
    }
}
