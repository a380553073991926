//! Any content of the files that settings come from: it is read, or the error says where it is wrong.

use proptest::prelude::*;

use cvm_config::Loaded;
use cvm_proto::Error;

use crate::{Home, INI, in_memory};

/// Bytes that look like such a file, or do not.
fn nearly(pattern: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let changed = (pattern.prop_map(String::into_bytes), any::<proptest::sample::Index>(), any::<u8>());
    prop_oneof![
        pattern.prop_map(String::into_bytes),
        changed.prop_map(|(mut text, at, byte)| {
            if !text.is_empty() {
                let at = at.index(text.len());
                text[at] = byte;
            }
            text
        }),
        any::<Vec<u8>>(),
    ]
}

const INI_LIKE: &str = "(\\[(default|DEFAULT|p)\\]\r?\n\
    |(secret_id|secret_key|token) ?[=:] ?(hidden|'hidden')?\r?\n\
    |(region|proxy|endpoint|attempts|retries|language|role_arn|source_profile) ?[=:] ?(p|default|ap-a|http://a|'x')?\r?\n\
    |# c\n|  more\n){0,12}";
const TCCLI_LIKE: &str = "\\{(\"(secretId|secretKey|token|role-arn|type|region)\": ?(\"hidden\"|\"cvm-role\"|5|null|\\{\\}),?\n?\
    |\"expiresAt\": [0-9]{1,3},?|\"_sys_param\": ?\\{\"region\": ?\"ap-a\"\\},?){0,6}\"x\": 1\\}";

/// Loads with one file in place; an error names it, and holds no secret.
fn check(path: &str, content: &[u8]) -> Result<(), TestCaseError> {
    let home = Home::new().with(path, content);
    let from_disk = home.loader(&[]).load();
    // An environment in memory comes to the same.
    let own = format!("~/{path}");
    let variables = [("TENCENTCLOUD_INSTANCE_ROLE", "off")];
    let from_memory = in_memory::load(&variables, &[(&*own, content)].into());
    let said = |loaded: &Result<Loaded, Error>| match loaded {
        Ok(loaded) => {
            format!("{:?} {:?}", loaded.values, loaded.candidates).replace("~/etc/", "/etc/tencentcloud/")
        }
        Err(error) => error.to_string(),
    };
    prop_assert_eq!(said(&from_memory), said(&from_disk));
    if let Err(error) = from_disk {
        let text = error.to_string();
        prop_assert!(text.starts_with(&format!("~/{path}")), "{}", text);
        prop_assert!(!text.contains("hidden"), "{}", text);
        let line =
            text.strip_prefix(&format!("~/{path}:")).and_then(|rest| rest.split_once(':')?.0.parse().ok());
        let lines = content.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() + 1;
        prop_assert!(line.is_none_or(|line: usize| (1..=lines).contains(&line)), "{}", text);
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_settings_file(content in nearly(INI_LIKE)) {
        check(INI, &content)?;
    }

    #[test]
    fn files_of_tccli(content in nearly(TCCLI_LIKE)) {
        check(".tccli/default.credential", &content)?;
        check(".tccli/default.configure", &content)?;
    }
}
