//! Settings by their names, with values as JSON has them.

use cvm_config::{CredentialSetting, Environment, Loader, Setting, SettingKind};
use cvm_proto::{Error, Settings};
use serde_json::{Value, json};

use crate::{CA, keys};

fn loader(settings: &Value) -> Result<Loader, Error> {
    let off = [("TENCENTCLOUD_INSTANCE_ROLE", "off")];
    let environment = Environment::of(off).file("~/ca.pem", CA);
    let mut members = settings.as_object().unwrap().iter();
    members.try_fold(Loader::of(environment), |loader, (name, value)| loader.set_json(name, value))
}

fn load(settings: &Value) -> Settings {
    loader(settings).unwrap().load().unwrap().settings
}

/// What settings are, those that their `Debug` leaves out as well.
fn all(settings: &Settings) -> String {
    let times = (settings.connect_timeout, settings.attempt_timeout, settings.call_timeout);
    format!("{settings:?} {times:?} {:?} {:?}", settings.retry, settings.ca_pem)
}

fn error(settings: &Value) -> String {
    loader(settings).and_then(Loader::load).unwrap_err().to_string()
}

#[test]
fn every_setting_is_given_by_its_name_as_by_its_text() {
    for setting in Setting::ALL.into_iter().filter(|setting| *setting != Setting::Profile) {
        let (text, value) = match (setting.kind(), setting) {
            (SettingKind::Switch, _) => ("true", json!(true)),
            (SettingKind::Count, _) => ("7", json!(7)),
            (SettingKind::Time, _) => ("1500ms", json!(1.5)),
            (SettingKind::File, _) => ("~/ca.pem", json!("~/ca.pem")),
            (_, Setting::Scheme) => ("http", json!("http")),
            (_, Setting::Language) => ("zh-CN", json!("zh-CN")),
            (_, Setting::Proxy) => ("http://me:hidden@host:3128", json!("http://me:hidden@host:3128")),
            _ => ("ap-beijing", json!("ap-beijing")),
        };
        let set = loader(&json!({})).unwrap().set(setting, text).load().unwrap();
        let name = setting.name();
        let by_name = loader(&json!({ name: value.clone() })).unwrap().load().unwrap();
        assert_eq!(all(&by_name.settings), all(&set.settings), "{setting}");
        assert_ne!(by_name.values, loader(&json!({})).unwrap().load().unwrap().values, "{setting}");
        assert_eq!(all(&load(&json!({ name: text }))), all(&set.settings), "{setting}");
        assert_eq!(all(&load(&json!({ name: null }))), all(&load(&json!({}))), "{setting}");
        // No kind of value is taken for another.
        let error = error(&json!({ name: [value] }));
        assert!(error.starts_with(&format!("{name} is not ")), "{error}");
    }
}

#[test]
fn a_credential_is_given_by_its_parts() {
    let key = json!({"secret_id": "AKIDjson", "secret_key": "hidden", "token": "t"});
    assert_eq!(keys(&load(&key)), Some(("AKIDjson", "hidden", Some("t"))));
    for setting in CredentialSetting::ALL {
        let error = error(&json!({ setting.name(): ["hidden"] }));
        assert!(error.starts_with(&format!("{setting} is not ")) && !error.contains("hidden"), "{error}");
    }
    let role = |policy: Value, duration: Value| {
        json!({"secret_id": "AKIDjson", "secret_key": "k", "role_arn": "qcs::cam::uin/1:roleName/x",
            "role_policy": policy, "role_duration": duration})
    };
    let policy = json!({"version": "2.0", "statement": []});
    let as_object = load(&role(policy.clone(), json!(3600)));
    let as_text = load(&role(policy.to_string().into(), json!("1h")));
    assert_eq!(format!("{:?}", as_object.provider), format!("{:?}", as_text.provider));
    assert!(
        error(&role(policy, json!(86_400))).contains("role_duration `86400` is not a time from 1 second")
    );
}

#[test]
fn mistakes_name_the_setting() {
    for (settings, sentence) in [
        (json!({"regoin": "ap-x"}), "there is no setting `regoin`: did you mean `region`?"),
        (
            json!({"retries": 2}),
            "retries is no longer a setting: set `attempts: 3` instead (the first request counts as well)",
        ),
        (json!({"region": 5}), "region is not a text"),
        (json!({"internal": 1}), "internal is not true or false"),
        (json!({"ca_file": {}}), "ca_file is not the path of a file"),
        (json!({"attempts": 1.5}), "attempts is not a whole number"),
        (json!({"attempts": -1}), "attempts is not a whole number"),
        (
            json!({"attempts": 0}),
            "attempts `0` is not a number from 1 to 100: write how often a request may be sent, the first time included",
        ),
        (json!({"call_timeout": -1}), "call_timeout is not a time: give seconds, or a text such as `500ms`"),
        (
            json!({"call_timeout": 0}),
            "call_timeout `0` is not a time: write one such as `30s`, `500ms` or `2m`",
        ),
    ] {
        assert_eq!(error(&settings), sentence);
    }
    let far = error(&json!({"zzzzzzzz": null}));
    assert!(far.starts_with("there is no setting `zzzzzzzz`: name one of profile, region, "), "{far}");
    assert!(far.contains("secret_id"), "{far}");
}
