//! Profiles that are written: whole, for their owner alone, and with the rest of the file as it was.

use std::fs;

use cvm_config::{NewProfile, Setting};
use cvm_proto::Credential;

use crate::{Home, INI, keys, mode};

fn credential() -> Credential {
    Credential::new("AKIDnew", "key-new").unwrap()
}

#[test]
fn a_first_profile_makes_its_folder() {
    let home = Home::new();
    let written = NewProfile::new("default")
        .credential(credential().with_token("token-new").unwrap())
        .set(Setting::Region, "ap-beijing")
        .write(&home.environment(&[]))
        .unwrap();
    assert_eq!((written.path, written.warnings.len()), (home.path(INI), 0));
    let loaded = home.load(&[]);
    assert_eq!(keys(&loaded.settings), Some(("AKIDnew", "key-new", Some("token-new"))));
    assert_eq!(loaded.warnings, [""; 0]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &str| fs::metadata(home.path(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(INI), mode(".tencentcloud")), (0o600, 0o700));
    }
}

#[test]
fn the_rest_of_the_file_stays() {
    let text = "; mine\n[default]\nsecret_id = AKIDold\nsecret_key = old\ntoken = old\nnote = kept\n\n[prod]\nregion = x\n";
    let home = Home::new().with(INI, text);
    mode(&home.path(INI), 0o644);
    mode(&home.path(".tencentcloud"), 0o755);
    let written = NewProfile::new("default").credential(credential()).write(&home.environment(&[])).unwrap();
    let now =
        "; mine\n[default]\nsecret_id = AKIDnew\nsecret_key = key-new\nnote = kept\n\n[prod]\nregion = x\n";
    assert_eq!(fs::read_to_string(home.path(INI)).unwrap(), now);
    assert_eq!(fs::read_dir(home.path(".tencentcloud")).unwrap().count(), 1, "nothing is left beside it");
    if cfg!(unix) {
        assert!(
            written.warnings[0].contains("had the mode 0644, and has 0600 now"),
            "{:?}",
            written.warnings
        );
        assert_eq!(home.load(&[]).warnings, [""; 0]);
        mode(&home.path(".tencentcloud"), 0o777);
        let written = NewProfile::new("default").write(&home.environment(&[])).unwrap();
        assert!(written.warnings[0].contains("chmod 700 ~/.tencentcloud"), "{:?}", written.warnings);
    }
}

#[test]
fn what_cannot_be_right_is_not_written() {
    let home = Home::new();
    let environment = home.environment(&[]);
    for (profile, part) in [
        (NewProfile::new("a]b"), "not a profile's name"),
        (NewProfile::new(""), "not a profile's name"),
        (NewProfile::new("DEFAULT"), "not a profile's name"),
        (NewProfile::new("a\u{1b}[31m"), "not a profile's name"),
        (NewProfile::new("x").set(Setting::CaFile, "a\u{1b}"), "control character"),
        (NewProfile::new("x").set(Setting::Region, "Nowhere"), "region `Nowhere`"),
        (NewProfile::new("x").set(Setting::Proxy, "http://a\n[prod]"), "line break"),
    ] {
        let error = profile.write(&environment).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    assert!(!home.path(".tencentcloud").exists());
    let _home = home.with(INI, "broken\n");
    let error = NewProfile::new("x").write(&environment).unwrap_err().to_string();
    assert!(error.starts_with("~/.tencentcloud/credentials:1: "), "{error}");
}

#[test]
fn what_all_profiles_have_is_no_part_of_a_new_key() {
    let home = Home::new().with(INI, "[DEFAULT]\ntoken = of-all\nregion = ap-a\n[p]\nproxy = none\n");
    let profile = NewProfile::new("p").credential(credential()).set(Setting::Region, " ");
    profile.write(&home.environment(&[])).unwrap();
    let loaded = home.loader(&[]).profile("p").load().unwrap();
    assert_eq!(keys(&loaded.settings), Some(("AKIDnew", "key-new", None)));
    assert_eq!(loaded.settings.region, None);
}

#[test]
fn no_folder_is_made_for_a_file_that_was_named() {
    let home = Home::new();
    let named = home.path("deep/er/profiles");
    let environment = home.environment(&[("TENCENTCLOUD_CREDENTIALS_FILE", named.to_str().unwrap())]);
    let profile = NewProfile::new("default").credential(credential());
    let error = profile.write(&environment).unwrap_err().to_string();
    assert!(error.contains("profiles cannot be written: its folder"), "{error}");
    assert!(error.contains("is not there: make it first"), "{error}");
    assert!(!home.path("deep").exists());
    fs::create_dir_all(named.parent().unwrap()).unwrap();
    profile.write(&environment).unwrap();
    assert!(named.exists());
}

#[test]
fn profiles_that_are_written_at_the_same_time_are_all_there() {
    let home = Home::new();
    let names: Vec<String> = (0..8).map(|number| format!("profile-{number}")).collect();
    std::thread::scope(|scope| {
        for name in &names {
            let environment = home.environment(&[]);
            scope.spawn(move || NewProfile::new(name).credential(credential()).write(&environment).unwrap());
        }
    });
    let text = fs::read_to_string(home.path(INI)).unwrap();
    assert!(names.iter().all(|name| text.contains(&format!("[{name}]"))), "{text}");
}

#[cfg(unix)]
#[test]
fn links_are_followed_to_the_file_and_nowhere_beside_it() {
    use std::os::unix::fs::symlink;

    let home = Home::new().with("dotfiles/credentials", "; mine\n").with("precious", "kept");
    fs::create_dir(home.path(".tencentcloud")).unwrap();
    symlink("../dotfiles/credentials", home.path(INI)).unwrap();
    let beside = home.path("dotfiles/credentials.lock");
    symlink("../precious", &beside).unwrap();
    let profile = NewProfile::new("default").credential(credential());
    let error = profile.write(&home.environment(&[])).unwrap_err().to_string();
    assert!(error.contains("credentials.lock is a symbolic link: remove it"), "{error}");
    fs::remove_file(beside).unwrap();
    profile.write(&home.environment(&[])).unwrap();
    assert!(home.path(INI).is_symlink());
    assert!(fs::read_to_string(home.path("dotfiles/credentials")).unwrap().contains("AKIDnew"));
    assert_eq!(fs::read_to_string(home.path("precious")).unwrap(), "kept");

    fs::hard_link(home.path("dotfiles/credentials"), home.path("dotfiles/other")).unwrap();
    let error = profile.write(&home.environment(&[])).unwrap_err().to_string();
    assert!(error.contains("hard links"), "{error}");
    fs::remove_dir_all(home.path("dotfiles")).unwrap();
    let error = profile.write(&home.environment(&[])).unwrap_err().to_string();
    assert!(error.contains("symbolic link to ../dotfiles/credentials, which is not there"), "{error}");
}
