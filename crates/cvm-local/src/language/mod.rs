//! The language of messages.

use std::borrow::Cow;

use crate::request::refusal::Refusal;

mod chinese;

/// A language that the service has messages in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Language {
    #[default]
    English,
    Chinese,
}

impl Language {
    /// By the name that requests call it. What is none of the service's languages is English.
    pub(crate) fn named(name: &str) -> Self {
        if name.eq_ignore_ascii_case("zh-CN") { Self::Chinese } else { Self::English }
    }

    /// A refusal's message. In Chinese it says what the code means, and then in English what it means here: the code is
    /// what a client's user looks up, the details are names and numbers.
    pub(crate) fn message(self, refusal: &Refusal) -> Cow<'_, str> {
        match self {
            Self::English => Cow::Borrowed(&refusal.message),
            Self::Chinese => {
                Cow::Owned(format!("{}（{}）", chinese::meaning(&refusal.code), refusal.message))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_in_the_language_that_was_asked_for() {
        let refusal = Refusal::new("InvalidImageId.NotFound", "The image `img-1` does not exist.");
        for name in ["en-US", "", "fr-FR"] {
            assert_eq!(Language::named(name).message(&refusal), refusal.message, "{name}");
        }
        let chinese = Language::named("zh-cn").message(&refusal);
        assert_eq!(chinese, "找不到该镜像。（The image `img-1` does not exist.）");
    }
}
