//! An expression's characters become tokens.

use std::fmt;

use serde_json::Value;

use super::Mistake;
use super::ast::Comparison;

/// A word or sign of an expression.
#[derive(Debug, PartialEq)]
pub(super) enum Token {
    Name(String),
    QuotedName(String),
    Literal(Value),
    Number(i64),
    Comparison(Comparison),
    Dot,
    Star,
    Comma,
    Colon,
    /// `@`
    Current,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `{`
    OpenBrace,
    /// `}`
    CloseBrace,
    /// `[`
    OpenBracket,
    /// `]`
    CloseBracket,
    /// `[]`
    Flatten,
    /// `[?`
    Filter,
    /// `|`
    Pipe,
    Or,
    And,
    Not,
    /// `&`
    Ampersand,
    End,
}

/// A token and the number of its first character, from 1.
#[derive(Debug)]
pub(super) struct SpannedToken {
    pub(super) token: Token,
    pub(super) at: usize,
}

impl SpannedToken {
    /// The mistake of having this token where it stands.
    pub(super) fn unexpected(&self) -> Mistake {
        Mistake(match self.token {
            Token::End => "it ends too early".into(),
            _ => format!("{} does not belong at character {}", self.token, self.at),
        })
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self {
            Self::Name(name) => return write!(f, "`{name}`"),
            Self::QuotedName(_) => "the name in quotes",
            Self::Literal(_) => "the literal",
            Self::Number(number) => return write!(f, "`{number}`"),
            Self::Comparison(comparison) => return write!(f, "`{}`", comparison.symbol()),
            Self::Dot => "`.`",
            Self::Star => "`*`",
            Self::Comma => "`,`",
            Self::Colon => "`:`",
            Self::Current => "`@`",
            Self::Open => "`(`",
            Self::Close => "`)`",
            Self::OpenBrace => "`{`",
            Self::CloseBrace => "`}`",
            Self::OpenBracket => "`[`",
            Self::CloseBracket => "`]`",
            Self::Flatten => "`[]`",
            Self::Filter => "`[?`",
            Self::Pipe => "`|`",
            Self::Or => "`||`",
            Self::And => "`&&`",
            Self::Not => "`!`",
            Self::Ampersand => "`&`",
            Self::End => "the end",
        };
        f.write_str(sign)
    }
}

/// The tokens of an expression; the last is [`Token::End`].
pub(super) fn tokens(expression: &str) -> Result<Vec<SpannedToken>, Mistake> {
    if expression.trim().is_empty() {
        return Err(Mistake("it is empty".into()));
    }
    let characters: Vec<char> = expression.chars().collect();
    let mut lexer = Lexer { characters: &characters, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip(|c| matches!(c, ' ' | '\t' | '\n' | '\r'));
        let at = lexer.at + 1;
        let token = lexer.token()?;
        let ended = token == Token::End;
        tokens.push(SpannedToken { token, at });
        if ended {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    characters: &'a [char],
    at: usize,
}

impl Lexer<'_> {
    fn token(&mut self) -> Result<Token, Mistake> {
        let at = self.at + 1;
        let Some(character) = self.next() else { return Ok(Token::End) };
        Ok(match character {
            '.' => Token::Dot,
            '*' => Token::Star,
            ',' => Token::Comma,
            ':' => Token::Colon,
            '@' => Token::Current,
            '(' => Token::Open,
            ')' => Token::Close,
            '{' => Token::OpenBrace,
            '}' => Token::CloseBrace,
            ']' => Token::CloseBracket,
            '[' if self.take(']') => Token::Flatten,
            '[' if self.take('?') => Token::Filter,
            '[' => Token::OpenBracket,
            '|' if self.take('|') => Token::Or,
            '|' => Token::Pipe,
            '&' if self.take('&') => Token::And,
            '&' => Token::Ampersand,
            '!' if self.take('=') => Token::Comparison(Comparison::NotEqual),
            '!' => Token::Not,
            '<' if self.take('=') => Token::Comparison(Comparison::AtMost),
            '<' => Token::Comparison(Comparison::Less),
            '>' if self.take('=') => Token::Comparison(Comparison::AtLeast),
            '>' => Token::Comparison(Comparison::Greater),
            '=' if self.take('=') => Token::Comparison(Comparison::Equal),
            '=' => return Err(Mistake(format!("`=` at character {at} has to be `==`"))),
            '\'' => Token::Literal(Value::String(self.until('\'')?.replace("\\'", "'"))),
            '`' => Token::Literal(self.literal()?),
            '"' => Token::QuotedName(self.quoted_name()?),
            '-' | '0'..='9' => self.number()?,
            'a'..='z' | 'A'..='Z' | '_' => {
                self.skip(|c| c.is_ascii_alphanumeric() || c == '_');
                Token::Name(self.since(at))
            }
            other => {
                return Err(Mistake(format!("`{other}` does not belong at character {at}")));
            }
        })
    }

    /// The next character, which is passed.
    fn next(&mut self) -> Option<char> {
        let next = self.characters.get(self.at).copied();
        self.at += usize::from(next.is_some());
        next
    }

    /// Passes the next character if it is this one.
    fn take(&mut self, wanted: char) -> bool {
        let there = self.characters.get(self.at) == Some(&wanted);
        self.at += usize::from(there);
        there
    }

    fn skip(&mut self, of: impl Fn(char) -> bool) {
        self.at += self.characters[self.at..].iter().take_while(|c| of(**c)).count();
    }

    /// What has been passed from character `at`, which counts from 1.
    fn since(&self, at: usize) -> String {
        self.characters[at - 1..self.at].iter().collect()
    }

    /// What stands before the delimiter, which is passed. Back-slashes are kept, and protect what follows them.
    fn until(&mut self, delimiter: char) -> Result<String, Mistake> {
        let at = self.at;
        let mut text = String::new();
        while let Some(character) = self.next() {
            match character {
                '\\' => {
                    text.push('\\');
                    text.extend(self.next());
                }
                _ if character == delimiter => return Ok(text),
                _ => text.push(character),
            }
        }
        Err(Mistake(format!("the {delimiter} at character {at} is never closed")))
    }

    /// Begins after the first character of a number.
    fn number(&mut self) -> Result<Token, Mistake> {
        let at = self.at;
        self.skip(|c| c.is_ascii_digit());
        let text = self.since(at);
        if text == "-" {
            return Err(Mistake(format!("`-` does not belong at character {at}: it begins a number")));
        }
        // No list is as long as these numbers are large, so the largest that can be held serves as well.
        let largest = if text.starts_with('-') { i64::MIN } else { i64::MAX };
        Ok(Token::Number(text.parse().unwrap_or(largest)))
    }

    fn quoted_name(&mut self) -> Result<String, Mistake> {
        let at = self.at;
        let text = self.until('"')?;
        serde_json::from_str(&format!("\"{text}\""))
            .map_err(|_| Mistake(format!("the name in quotes at character {at} is not a JSON string")))
    }

    /// What stands in back-ticks: JSON, or else a text without its quotes.
    fn literal(&mut self) -> Result<Value, Mistake> {
        let at = self.at;
        let text = self.until('`')?.replace("\\`", "`");
        if let Ok(value) = serde_json::from_str(&text) {
            return Ok(value);
        }
        if is_beyond_values(text.trim()) {
            return Err(Mistake(format!("the literal at character {at} is a number that JSON cannot hold")));
        }
        serde_json::from_str(&format!("\"{}\"", text.trim_start()))
            .map(Value::String)
            .map_err(|_| Mistake(format!("the literal at character {at} is neither JSON nor a plain text")))
    }
}

/// Whether it is a number to Python that no JSON value can be: taking it as a text would change what it means.
fn is_beyond_values(text: &str) -> bool {
    let is_number = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    matches!(text, "NaN" | "Infinity" | "-Infinity")
        || is_number && text.parse().is_ok_and(|number: f64| number.is_infinite())
}
