//! The table of all settings is whole, and says what holds.

use cvm_config::Setting;

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
        assert!(setting == Setting::Profile || row.contains(&format!("`{setting}`")), "{setting}: {row}");
        let default = setting.default_text();
        let number = default.trim_end_matches(['s', 'm']);
        assert!(
            default == "-" || row.contains(default) || row.contains(&format!("| {number} ")),
            "{default}: {row}"
        );
    }
}
