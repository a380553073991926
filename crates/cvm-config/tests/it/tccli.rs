//! The files of the official command line. Those in `fixtures` were written by tccli 3.1.189.1.

use cvm_config::{Finding, Origin, Setting};
use cvm_proto::Language;

use crate::{Home, INI, fetch, keys, lease, mode};

const CREDENTIAL: &str = include_str!("fixtures/default.credential");
const CONFIGURE: &str = include_str!("fixtures/default.configure");

fn profile(name: &str, credential: &str, configure: &str) -> Home {
    Home::new()
        .with(&format!(".tccli/{name}.credential"), credential)
        .with(&format!(".tccli/{name}.configure"), configure)
}

#[test]
fn what_configure_wrote_is_all_that_is_needed() {
    let home = profile("default", CREDENTIAL, CONFIGURE);
    // It leaves its files open, in a folder that is not.
    mode(&home.path(".tccli/default.credential"), 0o644);
    mode(&home.path(".tccli"), 0o700);
    let loaded = home.load(&[]);
    let expected = ("AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE", None);
    assert_eq!(keys(&loaded.settings), Some(expected));
    assert_eq!(loaded.settings.region.as_deref(), Some("ap-shanghai"));
    // The endpoint that every profile names keeps nobody from the regions with hosts of their own.
    assert_eq!(
        loaded.settings.endpoint.origin("ap-shanghai-fsi").url(),
        "https://cvm.ap-shanghai-fsi.tencentcloudapi.com/"
    );
    assert_eq!(loaded.warnings, [""; 0]);
    let region = loaded.values.iter().find(|value| value.setting == Setting::Region).unwrap();
    assert_eq!(region.origin, Origin::File { path: "~/.tccli/default.configure".into(), line: 5 });
}

#[test]
fn what_configure_set_adds_counts() {
    let configure = CONFIGURE
        .replacen(
            "\"output\"",
            "\"language\": \"en-US\",\n    \"request-client\": \"my-client,x\",\n    \"output\"",
            1,
        )
        .replace("tencentcloudapi.com", "internal.tencentcloudapi.com");
    let credential = r#"{
  "role-arn": "qcs::cam::uin/100000000001:roleName/x",
  "role-session-name": "s",
  "secretId": "AKIDx",
  "secretKey": "kx",
  "token": "tk"
}"#;
    let home = profile("work", credential, &configure);
    let loaded = home.loader(&[]).profile("work").load().unwrap();
    assert_eq!(loaded.settings.language, Some(Language::English));
    assert_eq!(loaded.settings.request_client.as_deref(), Some("my-client,x"));
    let url = "https://cvm.internal.tencentcloudapi.com/";
    assert_eq!(loaded.settings.endpoint.origin("ap-shanghai").url(), url);
    let Finding::Used(how) = &loaded.candidates[0].finding else { panic!("{:?}", loaded.candidates) };
    assert!(
        how.contains("roleName/x") && how.contains("temporary key *** in ~/.tccli/work.credential:4"),
        "{how}"
    );
    assert!(!format!("{loaded:?}").contains("kx"));
}

#[test]
fn the_instances_role_and_the_oldest_form() {
    let old = r#"{ "region": "ap-beijing", "output": "json", "cvm": { "endpoint": "cvm.ap-beijing.tencentcloudapi.com" } }"#;
    let home = profile("vm", "{\n  \"type\": \"cvm-role\"\n}", old);
    let loaded = home.load(&[("TCCLI_PROFILE", "vm"), ("TENCENTCLOUD_INSTANCE_ROLE", "any")]);
    assert_eq!(loaded.settings.region.as_deref(), Some("ap-beijing"));
    assert_eq!(loaded.settings.endpoint.origin("").host(), "cvm.ap-beijing.tencentcloudapi.com");
    assert_eq!(loaded.candidates[1].finding, Finding::Used("the role of the instance, if it has one".into()));
}

#[test]
fn what_a_login_keeps_is_read_anew() {
    let login = |id: &str, end: u64| {
        format!(
            "{{\n  \"expiresAt\": {end},\n  \"oauth\": {{\n    \"accessToken\": \"hidden\",\n    \"expiresAt\": 5,\n    \
             \"openId\": \"o\",\n    \"refreshToken\": \"hidden\",\n    \"site\": \"cn\"\n  }},\n  \
             \"secretId\": \"{id}\",\n  \"secretKey\": \"hidden\",\n  \"token\": \"hidden\",\n  \"type\": \"oauth\"\n}}"
        )
    };
    let home = profile("default", &login("AKIDfirst", 1000), CONFIGURE);
    let loaded = home.load(&[]);
    let first = lease(&loaded.settings, 900);
    assert_eq!((first.credential.secret_id(), first.expires), ("AKIDfirst", Some(1000)));
    let over = fetch(&loaded.settings, 1000).unwrap_err().to_string();
    assert!(over.contains("~/.tccli/default.credential:10: the temporary key is over"), "{over}");
    let home = home.with(".tccli/default.credential", login("AKIDnext", 2000));
    assert_eq!(lease(&loaded.settings, 1000).credential.secret_id(), "AKIDnext");
    drop(home);
    let gone = fetch(&loaded.settings, 1000).unwrap_err().to_string();
    assert!(gone.contains("is gone"), "{gone}");
    assert!(!format!("{loaded:?} {over} {gone}").contains("hidden"));
}

#[test]
fn the_ini_file_goes_before() {
    let home = profile("default", CREDENTIAL, CONFIGURE).with(INI, "[default]\nregion = ap-tokyo\n");
    let loaded = home.load(&[]);
    assert_eq!(loaded.settings.region.as_deref(), Some("ap-tokyo"));
    assert!(keys(&loaded.settings).unwrap().0.starts_with("AKIDz8"));
    let home = home.with(INI, "[default]\nsecret_id = AKIDini\nsecret_key = k\n");
    assert_eq!(keys(&home.load(&[]).settings).unwrap().0, "AKIDini");
}
