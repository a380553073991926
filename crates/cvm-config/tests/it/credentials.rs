//! Where a credential is found, in which order, and what is said if there is none.

use cvm_config::{Finding, Setting};
use cvm_proto::Credential;
use cvm_proto::credential::Found;

use crate::{Home, INI, fetch, keys};
#[cfg(unix)]
use crate::{lease, mode};

const ENVIRONMENT: [(&str, &str); 2] =
    [("TENCENTCLOUD_SECRET_ID", "AKIDenv"), ("TENCENTCLOUD_SECRET_KEY", "key-env")];

#[test]
fn in_the_environment_by_all_names() {
    let home = Home::new();
    assert_eq!(keys(&home.load(&ENVIRONMENT).settings), Some(("AKIDenv", "key-env", None)));
    for name in ["TENCENTCLOUD_TOKEN", "TENCENTCLOUD_SESSION_TOKEN", "TENCENTCLOUD_SECURITY_TOKEN"] {
        let variables = [ENVIRONMENT[0], ENVIRONMENT[1], (name, "token-env")];
        let loaded = home.load(&variables);
        assert_eq!(keys(&loaded.settings), Some(("AKIDenv", "key-env", Some("token-env"))), "{name}");
        assert!(!format!("{loaded:?}").contains("token-env") && !format!("{loaded:?}").contains("key-env"));
    }
}

#[test]
fn in_the_first_ini_file_there_is() {
    let home = Home::new()
        .with(INI, "[default]\nsecret_id = AKIDown\nsecret_key = key-own\ntoken = token-own\n")
        .with("etc/credentials", "[default]\nsecret_id = AKIDsystem\nsecret_key = key-system\n")
        .with("other", "[default]\nsecret_id = AKIDother\nsecret_key = key-other\n");
    assert_eq!(keys(&home.load(&[]).settings), Some(("AKIDown", "key-own", Some("token-own"))));
    let named = [("TENCENTCLOUD_CREDENTIALS_FILE", "~/other")];
    assert_eq!(keys(&home.load(&named).settings), Some(("AKIDother", "key-other", None)));
    std::fs::remove_file(home.path(INI)).unwrap();
    assert_eq!(keys(&home.load(&[]).settings), Some(("AKIDsystem", "key-system", None)));
}

#[test]
fn in_the_environment_before_the_profile_unless_the_program_names_the_profile() {
    let home = Home::new()
        .with(INI, "[default]\nsecret_id = AKIDd\nsecret_key = d\n[p]\nsecret_id=AKIDp\nsecret_key=p\n");
    let id = |settings| keys(&settings).unwrap().0.to_owned();
    assert_eq!(id(home.load(&ENVIRONMENT).settings), "AKIDenv");
    let variables = [ENVIRONMENT[0], ENVIRONMENT[1], ("TENCENTCLOUD_PROFILE", "p")];
    assert_eq!(id(home.load(&variables).settings), "AKIDenv");
    assert_eq!(id(home.load(&variables[2..]).settings), "AKIDp");
    assert_eq!(id(home.loader(&ENVIRONMENT).profile("p").load().unwrap().settings), "AKIDp");
    let given = Credential::new("AKIDgiven", "g").unwrap();
    let loaded = home.loader(&ENVIRONMENT).profile("p").credential(given).load().unwrap();
    assert_eq!(id(loaded.settings), "AKIDgiven");
    assert!(matches!(&loaded.candidates[0].finding, Finding::Used(how) if how.contains("key")));
}

#[test]
fn none_says_what_each_source_lacked() {
    let home = Home::new().with(INI, "[other]\nsecret_id = AKIDo\nsecret_key = o\n");
    let loaded = home.load(&[]);
    let Found::Nothing(lack) = fetch(&loaded.settings, 0).unwrap() else { panic!("something was found") };
    assert_eq!(
        lack,
        "environment: TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY are not set; \
         profile `default`: ~/.tencentcloud/credentials has no section `default`, ~/.tccli/default.credential is not \
         there; web identity: TKE_PROVIDER_ID, TKE_WEB_IDENTITY_TOKEN_FILE and TKE_ROLE_ARN are not set; \
         instance role: TENCENTCLOUD_INSTANCE_ROLE turns it off"
    );
    let off = home.loader(&[]).set(Setting::InstanceRole, "off").load().unwrap();
    let Found::Nothing(lack) = fetch(&off.settings, 0).unwrap() else { panic!("something was found") };
    assert!(lack.ends_with("; instance role: the program (instance_role) turns it off"), "{lack}");
    let bare = Home::new().loader(&[]).load().unwrap();
    assert!(format!("{:?}", bare.candidates).contains("~/.tencentcloud/credentials and "));
}

#[test]
fn a_profile_that_the_program_names_is_the_only_source() {
    let home = Home::new().with(INI, "[p]\nregion = ap-beijing\n");
    let loaded = home.loader(&ENVIRONMENT).profile("p").load().unwrap();
    let Found::Nothing(lack) = fetch(&loaded.settings, 0).unwrap() else { panic!("something was found") };
    assert!(lack.starts_with("profile `p`: ") && !lack.contains("environment"), "{lack}");
}

#[cfg(unix)]
#[test]
fn a_process_prints_it() {
    let home = Home::new().with("print", "#!/bin/sh\necho \"{\\\"SecretId\\\":\\\"AKID$1\\\",\\\"SecretKey\\\":\\\"k\\\",\\\"Token\\\":\\\"t\\\",\\\"Expiration\\\":\\\"2030-01-01T00:00:00Z\\\"}\"\n");
    mode(&home.path("print"), 0o700);
    let line = format!("'{}' 'one two'", home.path("print").display());
    let home = home.with(INI, format!("[default]\ncredential_process = {line}\n"));
    for variables in [&[][..], &[("TENCENTCLOUD_CREDENTIAL_PROCESS", &*line)]] {
        let loaded = home.load(variables);
        let error = fetch(&loaded.settings, 0).unwrap_err().to_string();
        assert!(error.contains("white space"), "the argument is one word: {error}");
    }
    let line = line.replace(" two", "");
    let loaded = home.load(&[("TENCENTCLOUD_CREDENTIAL_PROCESS", &line)]);
    let lease = lease(&loaded.settings, 0);
    assert_eq!((lease.credential.secret_id(), lease.expires), ("AKIDone", Some(1_893_456_000)));
    assert!(format!("{:?}", loaded.candidates).contains("TENCENTCLOUD_CREDENTIAL_PROCESS"));
}

#[test]
fn roles_are_assumed_with_what_there_is() {
    let text = "[default]\nrole_arn = qcs::cam::uin/1:roleName/own\nsource_profile = base\n\
                [base]\nsecret_id = AKIDbase\nsecret_key = b\n\
                [vm]\ninstance_role = web\n";
    let home = Home::new().with(INI, text);
    let used = |variables: &[(&str, &str)], profile: Option<&str>| {
        let lookup = home.loader(variables);
        let lookup = if let Some(profile) = profile { lookup.profile(profile) } else { lookup };
        let loaded = lookup.load().unwrap();
        assert!(loaded.settings.credential.is_none() && loaded.settings.provider.is_some());
        loaded.candidates.iter().find_map(|candidate| match &candidate.finding {
            Finding::Used(how) => Some(how.clone()),
            _ => None,
        })
    };
    assert_eq!(
        used(&[], None).unwrap(),
        "the role `qcs::cam::uin/1:roleName/own`, which ~/.tencentcloud/credentials:2 names, assumed with \
         the key *** in ~/.tencentcloud/credentials:5"
    );
    let role = ("TENCENTCLOUD_ROLE_ARN", "qcs::cam::uin/1:roleName/env");
    let by_variable =
        "the role `qcs::cam::uin/1:roleName/env`, which TENCENTCLOUD_ROLE_ARN names, assumed with the key ";
    assert_eq!(used(&[role], None).unwrap(), format!("{by_variable}*** in ~/.tencentcloud/credentials:5"));
    assert_eq!(
        used(&[role, ENVIRONMENT[0], ENVIRONMENT[1]], None).unwrap(),
        format!("{by_variable}*** in TENCENTCLOUD_SECRET_ID")
    );
    let on = ("TENCENTCLOUD_INSTANCE_ROLE", "any");
    assert_eq!(used(&[role, on], Some("vm")).unwrap(), "the role `web` of the instance");
    let off = home.loader(&[]).profile("vm").load().unwrap();
    assert_eq!(
        off.candidates[0].finding.to_string(),
        "TENCENTCLOUD_INSTANCE_ROLE turns the instance's role off"
    );
}

#[test]
fn a_functions_key_comes_after_the_profile() {
    let function = [
        ("TENCENTCLOUD_SECRETID", "AKIDfunction"),
        ("TENCENTCLOUD_SECRETKEY", "k"),
        ("TENCENTCLOUD_SESSIONTOKEN", "t"),
    ];
    let home = Home::new();
    let loaded = home.load(&function);
    assert_eq!(keys(&loaded.settings), Some(("AKIDfunction", "k", Some("t"))));
    let finding = loaded.candidates[2].finding.to_string();
    assert_eq!(finding, "used: the temporary key *** in TENCENTCLOUD_SECRETID");
    // A key of the user's own never gets the function's token.
    let both: Vec<(&str, &str)> = ENVIRONMENT.iter().chain(&function).copied().collect();
    assert_eq!(keys(&home.load(&both).settings), Some(("AKIDenv", "key-env", None)));
    let home = home.with(INI, "[default]\nsecret_id = AKIDini\nsecret_key = k\n");
    assert_eq!(keys(&home.load(&function).settings), Some(("AKIDini", "k", None)));
    assert_eq!(keys(&home.load(&function[..1]).settings), Some(("AKIDini", "k", None)), "it is not asked");
    let home = Home::new();
    for (set, unset) in [(0, 1), (1, 0)] {
        let error = home.error(&[function[set], function[2]]);
        let sentence =
            format!("{} is set, but {} is not: set both, or neither", function[set].0, function[unset].0);
        assert_eq!(error, sentence);
    }
    // A token alone is no sign of a function.
    assert_eq!(home.load(&function[2..]).candidates, home.load(&[]).candidates);
}

#[test]
fn a_clusters_identity_comes_after_the_profile() {
    let home = Home::new();
    let token = home.path("token").display().to_string();
    let tke = [
        ("TKE_REGION", "ap-guangzhou"),
        ("TKE_PROVIDER_ID", "cls-1"),
        ("TKE_WEB_IDENTITY_TOKEN_FILE", &*token),
        ("TKE_ROLE_ARN", "qcs::cam::uin/1:roleName/pod"),
    ];
    let loaded = home.load(&tke);
    assert!(matches!(&loaded.candidates[2].finding, Finding::Used(how) if how.contains("roleName/pod")));
    // The token is read when it is needed.
    let error = fetch(&loaded.settings, 0).unwrap_err().to_string();
    assert!(error.contains("TKE_WEB_IDENTITY_TOKEN_FILE") && error.contains("cannot be read"), "{error}");
    let error = home.error(&tke[..3]);
    assert!(error.starts_with("TKE_ROLE_ARN is not set"), "{error}");
    // A cluster that only says where it is gives no identity.
    assert!(matches!(home.load(&tke[..1]).candidates[2].finding, Finding::Lacks(_)));
}

#[cfg(unix)]
#[test]
fn files_that_others_can_read_are_warned_of() {
    let home = Home::new().with(INI, "[default]\nsecret_id = AKIDo\nsecret_key = o\n");
    mode(&home.path(".tencentcloud"), 0o755);
    assert_eq!(home.load(&[]).warnings, [""; 0]);
    for (own, folder, warns) in [(0o644, 0o755, true), (0o640, 0o750, true), (0o644, 0o700, false)] {
        mode(&home.path(INI), own);
        mode(&home.path(".tencentcloud"), folder);
        let warnings = home.load(&[]).warnings;
        assert_eq!(warnings.len(), usize::from(warns), "{own:o} in {folder:o}: {warnings:?}");
        assert!(warnings.iter().all(|warning| warning.contains("chmod 600 ~/.tencentcloud/credentials")));
    }
}
