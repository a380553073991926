//! The table of all settings is whole, and says what holds.

use cvm_config::{CredentialSetting, Setting};

#[test]
fn every_setting_is_in_the_table() {
    let table = include_str!("../../../../docs/configuration.md");
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ")).collect();
    for setting in Setting::ALL {
        let name = setting.variables()[0];
        let row =
            rows.iter().find(|row| row.contains(&format!("`{name}`"))).unwrap_or_else(|| panic!("{name}"));
        for variable in setting.variables() {
            assert!(row.contains(&format!("`{variable}`")), "{variable}: {row}");
        }
        assert_eq!(name, format!("TENCENTCLOUD_{}", setting.name().to_uppercase()));
        assert!(setting == Setting::Profile || row.contains(&format!("`{setting}`")), "{setting}: {row}");
        let option = format!("| `--{}` |", setting.name().replace('_', "-"));
        assert_eq!(row.contains(&option), setting.is_option(), "{option}: {row}");
        let member = setting.in_tccli().map(|member| format!("`_sys_param.{member}`"));
        assert!(member.as_ref().map_or(!row.contains("_sys_param"), |member| row.contains(member)), "{row}");
        let default = setting.default_text();
        let number = default.trim_end_matches(['s', 'm']);
        assert!(
            default == "-" || row.contains(default) || row.contains(&format!("| {number} ")),
            "{default}: {row}"
        );
    }
}

#[test]
fn all_that_names_a_credential_is_in_its_table() {
    let table = include_str!("../../../../docs/configuration.md");
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| ")).collect();
    for setting in CredentialSetting::ALL {
        let name = setting.variables()[0];
        assert_eq!(name, format!("TENCENTCLOUD_{}", setting.name().to_uppercase()));
        let row =
            rows.iter().find(|row| row.contains(&format!("| `{name}`"))).unwrap_or_else(|| panic!("{name}"));
        let key = format!("| `{setting}` |");
        assert_eq!(row.contains(&key), setting.is_in_profiles(), "{key}: {row}");
        for variable in setting.variables() {
            assert!(row.contains(&format!("`{variable}`")), "{variable}: {row}");
        }
    }
}
