//! Values as jmespath.py sees them: what is true, what is equal, what comes first.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Number, Value};

/// Whether a condition does not hold: `null`, `false`, and what is empty. 0 holds.
pub(super) fn is_false(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(_) => false,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

/// What `==` says: a number never equals a boolean.
pub(super) fn equals(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(_), Value::Bool(_)) | (Value::Bool(_), Value::Number(_)) => false,
        _ => is_same(a, b),
    }
}

/// What Python's `==` says, which `contains` goes by and whatever is inside lists and objects: `true` equals 1.
pub(super) fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Null, Value::Null) => true,
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| is_same(a, b)))
        }
        _ => match (Numeric::in_python(a), Numeric::in_python(b)) {
            (Some(a), Some(b)) => a.compare(b) == Ordering::Equal,
            _ => false,
        },
    }
}

/// A number, whole as long as it can be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Numeric {
    Whole(i128),
    Float(f64),
}

impl Numeric {
    pub(super) fn of(number: &Number) -> Self {
        match number.as_i128() {
            Some(whole) => Self::Whole(whole),
            // Every number that JSON holds here is one of the two.
            None => Self::Float(number.as_f64().unwrap_or_default()),
        }
    }

    /// A number, or a boolean, which is one in Python.
    fn in_python(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => Some(Self::of(number)),
            Value::Bool(value) => Some(Self::Whole(i128::from(*value))),
            _ => None,
        }
    }

    /// The sum. Of floats it is as exact as Python's, from 3.12 on, which carries along what each addition loses.
    pub(super) fn sum(numbers: &[Self]) -> Self {
        let mut whole = 0_i128;
        let mut float = 0.0;
        let mut lost = 0.0;
        for number in numbers {
            match number {
                Self::Whole(next) => whole = whole.saturating_add(*next),
                Self::Float(next) => {
                    let sum: f64 = float + next;
                    lost +=
                        if float.abs() >= next.abs() { (float - sum) + next } else { (next - sum) + float };
                    float = sum;
                }
            }
        }
        if numbers.iter().all(|number| matches!(number, Self::Whole(_))) {
            return Self::Whole(whole);
        }
        Self::Float(Self::Whole(whole).to_float() + float + if lost.is_finite() { lost } else { 0.0 })
    }

    // What is lost here is lost to Python as well when it divides.
    #[allow(clippy::cast_precision_loss)]
    pub(super) fn to_float(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Float(float) => float,
        }
    }

    /// A float that is whole, such as what rounding gives.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn rounded(float: f64) -> Self {
        // Beyond these bounds a float is as exact.
        if float.abs() < 1e30 { Self::Whole(float as i128) } else { Self::Float(float) }
    }

    /// Which is less, exactly, whatever both are.
    pub(super) fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => a.cmp(&b),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
            (Self::Float(_), Self::Whole(_)) => other.compare(self).reverse(),
            (Self::Whole(a), Self::Float(b)) => match Self::rounded(b.trunc()) {
                Self::Whole(whole) => {
                    a.cmp(&whole).then_with(|| 0.0.partial_cmp(&b.fract()).unwrap_or(Ordering::Equal))
                }
                Self::Float(_) => 0.0.partial_cmp(&b).unwrap_or(Ordering::Equal),
            },
        }
    }
}

impl From<Numeric> for Value {
    /// The number; `null` if JSON has no place for it.
    fn from(number: Numeric) -> Self {
        match number {
            Numeric::Whole(whole) => match (i64::try_from(whole), u64::try_from(whole)) {
                (Ok(whole), _) => whole.into(),
                (_, Ok(whole)) => whole.into(),
                _ => number.to_float().into(),
            },
            Numeric::Float(float) => float.into(),
        }
    }
}

/// A value that has an order: a number among numbers, a text among texts.
#[derive(Debug)]
pub(super) enum Key<'a> {
    Number(Numeric),
    Text(Cow<'a, str>),
}

impl<'a> Key<'a> {
    pub(super) fn of(value: Cow<'a, Value>) -> Option<Self> {
        match value {
            Cow::Borrowed(Value::Number(number)) => Some(Self::Number(Numeric::of(number))),
            Cow::Owned(Value::Number(number)) => Some(Self::Number(Numeric::of(&number))),
            Cow::Borrowed(Value::String(text)) => Some(Self::Text(Cow::Borrowed(text))),
            Cow::Owned(Value::String(text)) => Some(Self::Text(Cow::Owned(text))),
            _ => None,
        }
    }

    /// Texts go by their code points. A number and a text have no order.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => Some(a.compare(*b)),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

/// The places that a slice picks from a list of `len` items, as Python counts them.
pub(super) fn slice(len: usize, start: Option<i64>, end: Option<i64>, step: Option<i64>) -> Vec<usize> {
    let len = i128::try_from(len).unwrap_or(i128::MAX);
    let step = i128::from(step.unwrap_or(1));
    let (first, last) = if step < 0 { (-1, len - 1) } else { (0, len) };
    let place = |given: Option<i64>, left_out: i128| match given.map(i128::from) {
        None => left_out,
        Some(place) if place < 0 => (place + len).max(first),
        Some(place) => place.min(last),
    };
    let (mut at, end) = match step {
        // Never read: the parser refuses it.
        0 => return Vec::new(),
        ..0 => (place(start, last), place(end, first)),
        _ => (place(start, first), place(end, last)),
    };
    let mut places = Vec::new();
    while if step < 0 { at > end } else { at < end } {
        places.extend(usize::try_from(at));
        at += step;
    }
    places
}
