//! Whatever the expression and the value: a result or a sentence, never a panic.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::Query;

/// What expressions are made of, and some of what they are not.
const PIECES: [&str; 64] = [
    "a",
    "b",
    "ab",
    "\"a\"",
    "\"\\u00e9\"",
    "`1`",
    "`a`",
    "`\"a\"`",
    "`[0, [1]]`",
    "`{\"a\": null}`",
    "``",
    "'a'",
    "''",
    "'\\''",
    "@",
    ".",
    "*",
    "[",
    "]",
    "[]",
    "[?",
    "[*]",
    "[0]",
    "[-1]",
    "[1:]",
    "[::-1]",
    "[:2:3]",
    "(",
    ")",
    "{",
    "}",
    "a: ",
    ":",
    ",",
    "|",
    "||",
    "&&",
    "!",
    "&",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "=",
    "-",
    "0",
    "-1",
    "99999999999999999999",
    " ",
    "length(",
    "sort_by(",
    "map(&",
    "merge(",
    "to_string(",
    "contains(",
    "max(",
    "not_null(",
    "é",
    "\\",
    "`",
    "'",
    "\"",
];

fn pieces() -> impl Strategy<Value = String> {
    vec(select(&PIECES[..]), 0..24).prop_map(|pieces| pieces.concat())
}

/// An expression that is one.
fn expression() -> impl Strategy<Value = String> {
    let leaf = select(
        &["a", "b", "\"a b\"", "@", "`1`", "`0.5`", "`x y`", "'a'", "`null`", "`[[1], 2]`", "`{\"a\": 1}`"][..],
    );
    leaf.prop_map(str::to_owned).prop_recursive(5, 24, 3, |inner| {
        let one = (
            select(
                &[
                    "{}.a",
                    "{}.*",
                    "{}[*]",
                    "{}[]",
                    "{}[0]",
                    "{}[-1]",
                    "{}[1:]",
                    "{}[::-2]",
                    "{}[*].a",
                    "!{}",
                    "({})",
                    "[{}]",
                    "{a: {}}",
                    "{}.[a, @]",
                    "{}.{a: b, b: @}",
                    "to_string({})",
                    "to_number({})",
                    "type({})",
                    "to_array({})",
                    "length({})",
                    "keys({})",
                    "values({})",
                    "sort({})",
                    "reverse({})",
                    "max({})",
                    "sum({})",
                    "map(&a, {})",
                    "sort_by({}, &a)",
                    "min_by({}, &[0])",
                    "{} | [0]",
                    "{}.not_null(a, b)",
                ][..],
            ),
            inner.clone(),
        )
            .prop_map(|(form, one)| form.replace("{}", &one));
        let two = (
            select(
                &[
                    "{0} || {1}",
                    "{0} && {1}",
                    "{0} | {1}",
                    "{0} == {1}",
                    "{0} != {1}",
                    "{0} < {1}",
                    "{0} >= {1}",
                    "{0}[?{1}]",
                    "[{0}, {1}]",
                    "{a: {0}, b: {1}}",
                    "contains({0}, {1})",
                    "join({0}, {1})",
                    "merge({0}, {1})",
                    "starts_with({0}, {1})",
                    "map(&({0}), {1})",
                    "max_by({1}, &({0}))",
                    "not_null({0}, {1})",
                ][..],
            ),
            inner.clone(),
            inner,
        )
            .prop_map(|(form, one, two)| form.replace("{0}", &one).replace("{1}", &two));
        prop_oneof![one, two]
    })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2..3_i64).prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ab0-9é中\"\\\\ \n]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let name = select(&["a", "b", "a b", "c", ""][..]).prop_map(str::to_owned);
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((name, inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), value in value()) {
        if let Ok(query) = Query::compile(&text) {
            let _ = query.search(&value);
        }
    }

    #[test]
    fn any_pieces_are_read_or_refused_in_one_line(text in pieces(), value in value()) {
        let sentence = match Query::compile(&text) {
            Ok(query) => query.search(&value).err().map(|misfit| misfit.to_string()),
            Err(mistake) => Some(mistake.to_string()),
        };
        prop_assert!(sentence.is_none_or(|sentence| sentence.lines().count() == 1), "{text}");
    }

    /// What is found does not depend on whether it is taken from the value or from something made on the way.
    #[test]
    fn a_value_and_its_copy_are_searched_alike(text in expression(), a in value(), b in value()) {
        let given = json!({ "a": a, "b": b });
        let found = |text: &str| {
            let query = Query::compile(text).map_err(|mistake| TestCaseError::fail(format!("{text}: {mistake}")))?;
            Ok::<_, TestCaseError>(query.search(&given))
        };
        let direct = found(&text)?;
        prop_assert_eq!(&direct, &found(&format!("[@][0] | {text}"))?);
        prop_assert_eq!(&direct, &found(&format!("{text} | @"))?);
        prop_assert_eq!(&direct, &found(&format!("{{k: {text}}}.k"))?);
    }
}
