//! Roles and web identities: the same parts in every place, and which place takes precedence.

use cvm_config::{CredentialSetting, Finding, Loaded, Loader};
use cvm_proto::credential::{FetchContext, Lease, MfaCode, Provider};
use cvm_proto::{Credential, ErrorKind, Now, Settings, Step};
use serde_json::{Value, json};

use crate::{Home, INI, fetch};

const ARN: &str = "qcs::cam::uin/1:roleName/images";
const SERIAL: &str = "qcs::cam:uin/1::mfa/softToken";

/// All that a role is asked for with, but the code.
const ROLE: [(CredentialSetting, &str); 6] = [
    (CredentialSetting::RoleArn, ARN),
    (CredentialSetting::RoleSessionName, "nightly"),
    (CredentialSetting::RoleDuration, "1h"),
    (CredentialSetting::RolePolicy, r#"{"version":"2.0"}"#),
    (CredentialSetting::ExternalId, "agreed"),
    (CredentialSetting::MfaSerial, SERIAL),
];
const KEY: [(CredentialSetting, &str); 2] =
    [(CredentialSetting::SecretId, "AKIDbase"), (CredentialSetting::SecretKey, "hidden")];
const CODE: (CredentialSetting, &str) = (CredentialSetting::MfaCode, "123456");
const WEB: [(CredentialSetting, &str); 3] = [
    (CredentialSetting::RoleArn, ARN),
    (CredentialSetting::WebIdentityProviderId, "oidc"),
    (CredentialSetting::WebIdentityTokenFile, "~/token"),
];

/// A place where parts can be written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Where {
    Given,
    Variables,
    Profile,
}

const PLACES: [Where; 3] = [Where::Given, Where::Variables, Where::Profile];

/// A loader over parts, each in its place.
fn loader(home: &Home, parts: &[(Where, CredentialSetting, &str)]) -> Loader {
    let at = |place| {
        parts.iter().filter(move |(at, ..)| *at == place).map(|(_, setting, value)| (*setting, *value))
    };
    let variables: Vec<_> =
        at(Where::Variables).map(|(setting, value)| (setting.variables()[0], value)).collect();
    let lines: String = at(Where::Profile).map(|(setting, value)| format!("{setting} = {value}\n")).collect();
    home.write(INI, format!("[default]\n{lines}"));
    at(Where::Given)
        .fold(home.loader(&variables), |loader, (setting, value)| loader.set_credential(setting, value))
}

fn put<'a>(place: Where, parts: &[(CredentialSetting, &'a str)]) -> Vec<(Where, CredentialSetting, &'a str)> {
    parts.iter().map(|(setting, value)| (place, *setting, *value)).collect()
}

/// What the provider sends first.
fn sent(settings: &Settings) -> (String, Value) {
    let mut fetch = settings.provider.as_ref().expect("a provider").fetch(&FetchContext::new(1));
    match fetch.poll(Now::new(1_700_000_000, std::time::Duration::ZERO)) {
        Step::Send(request) => {
            let body = serde_json::from_slice(request.body()).unwrap_or_default();
            let signer = request.headers().find(|(name, _)| *name == "authorization").unwrap().1;
            let signer = signer.split(['=', '/']).nth(1).unwrap_or(signer);
            (format!("{} by {signer}", request.action()), body)
        }
        step => panic!("{step:?}"),
    }
}

fn used(loaded: &Loaded) -> String {
    let used = loaded.candidates.iter().find_map(|candidate| match &candidate.finding {
        Finding::Used(how) => Some(how.clone()),
        _ => None,
    });
    used.expect("a credential is found")
}

#[test]
fn a_role_has_the_same_parts_in_every_place() {
    for place in PLACES {
        let home = Home::new();
        let code = if place == Where::Profile { Where::Variables } else { place };
        let parts = [put(place, &KEY), put(place, &ROLE), put(code, &[CODE])].concat();
        let all = loader(&home, &parts);
        assert!(!format!("{all:?}").contains("hidden"));
        let loaded = all.load().unwrap();
        assert!(used(&loaded).starts_with(&format!("the role `{ARN}`,")), "{}", used(&loaded));
        let (what, body) = sent(&loaded.settings);
        assert_eq!(what, "AssumeRole by AKIDbase", "{place:?}");
        let expected = json!({
            "RoleArn": ARN, "RoleSessionName": "nightly", "DurationSeconds": 3600, "ExternalId": "agreed",
            "Policy": "%7B%22version%22%3A%222.0%22%7D", "SerialNumber": SERIAL, "TokenCode": "123456",
        });
        assert_eq!(body, expected, "{place:?}");
    }
}

#[test]
fn a_web_identity_has_the_same_parts_in_every_place() {
    for place in PLACES {
        let home = Home::new().with("token", "a.jwt\n");
        let more = [(CredentialSetting::RoleSessionName, "pod"), (CredentialSetting::RoleDuration, "900")];
        let loaded = loader(&home, &put(place, &[&WEB[..], &more].concat())).load().unwrap();
        let (what, body) = sent(&loaded.settings);
        assert_eq!(what, "AssumeRoleWithWebIdentity by SKIP", "{place:?}");
        let expected = json!({
            "RoleArn": ARN, "RoleSessionName": "pod", "DurationSeconds": 900, "ProviderId": "oidc",
            "WebIdentityToken": "a.jwt",
        });
        assert_eq!(body, expected, "{place:?}");
        std::fs::remove_file(home.path("token")).unwrap();
        let error = fetch(&loaded.settings, 0).unwrap_err().to_string();
        let named = match place {
            Where::Given => "token, the file of the web identity's token, cannot be read",
            Where::Variables => "token, which TENCENTCLOUD_WEB_IDENTITY_TOKEN_FILE names, cannot be read",
            Where::Profile => "token, which ~/.tencentcloud/credentials:4 names, cannot be read",
        };
        assert!(error.contains(named), "{error}");
    }
}

#[test]
fn what_contradicts_is_refused_where_it_stands() {
    let process = [(CredentialSetting::CredentialProcess, "vault")];
    let long = [ROLE[0], (CredentialSetting::RoleDuration, "13h")];
    let bad_policy = [ROLE[0], (CredentialSetting::RolePolicy, "%7B%7D")];
    let parts: [(Vec<_>, CredentialSetting, &str); 15] = [
        (vec![KEY[0]], KEY[0].0, "is set, but {secret_key} is not: set both, or neither"),
        (vec![KEY[1]], KEY[1].0, "is set, but {secret_id} is not"),
        (ROLE[1..2].to_vec(), ROLE[1].0, "is set, but {role_arn} is not: set the role that it is about"),
        (ROLE[2..3].to_vec(), ROLE[2].0, "is set, but {role_arn} is not"),
        (ROLE[3..4].to_vec(), ROLE[3].0, "is set, but {role_arn} is not"),
        (ROLE[4..5].to_vec(), ROLE[4].0, "is set, but {role_arn} is not"),
        (ROLE[5..6].to_vec(), ROLE[5].0, "is set, but {role_arn} is not"),
        (WEB[1..].to_vec(), WEB[2].0, "is set, but {role_arn} is not: set the role that the token grants"),
        (WEB[..2].to_vec(), WEB[1].0, "is set, but {web_identity_token_file} is not"),
        ([&WEB[..], &ROLE[4..5]].concat(), ROLE[4].0, "is for a role that a key assumes"),
        ([&WEB[..], &ROLE[5..6]].concat(), ROLE[5].0, "is for a role that a key assumes"),
        ([&WEB[..], &KEY[..]].concat(), WEB[2].0, "is set beside another credential: set one of them"),
        ([&WEB[..], &process[..]].concat(), WEB[2].0, "is set beside another credential"),
        (long.to_vec(), long[1].0, "`13h` is not a time from 1 second to 12 hours"),
        (bad_policy.to_vec(), CredentialSetting::RolePolicy, "the role's policy is no JSON object"),
    ];
    for place in PLACES {
        for (parts, blamed, what) in &parts {
            let home = Home::new();
            let error = loader(&home, &put(place, parts)).load().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            let error = error.to_string();
            let name = |setting: CredentialSetting| match place {
                Where::Variables => setting.variables()[0].to_owned(),
                _ => setting.to_string(),
            };
            let what = CredentialSetting::ALL.iter().fold((*what).to_owned(), |what, setting| {
                what.replace(&format!("{{{setting}}}"), &name(*setting))
            });
            assert!(error.contains(&what), "{place:?}: {error}");
            match place {
                Where::Given => {
                    assert!(error.starts_with(&name(*blamed)) || what.starts_with("the role's"), "{error}");
                }
                Where::Variables => assert!(error.starts_with(blamed.variables()[0]), "{error}"),
                Where::Profile => {
                    let line = parts.iter().position(|(setting, _)| setting == blamed).unwrap() + 2;
                    assert!(error.starts_with(&format!("~/{INI}:{line}: ")), "{error}");
                }
            }
            assert!(!error.contains("hidden"), "{error}");
        }
    }
}

#[test]
fn a_program_gives_one_credential() {
    let home = Home::new();
    let process = (CredentialSetting::CredentialProcess, "vault");
    let error = loader(&home, &put(Where::Given, &[KEY[0], KEY[1], process])).load().unwrap_err().to_string();
    assert_eq!(error, "credential_process is set beside another credential: set one of them");
    let token = put(Where::Given, &[(CredentialSetting::Token, "hidden")]);
    let error = loader(&home, &token).load().unwrap_err().to_string();
    assert_eq!(error, "token is set, but secret_id is not: give the key that it is for");
    let given = Credential::new("AKIDgiven", "hidden").unwrap();
    for second in [&KEY[..], &[process], &WEB] {
        let twice = loader(&home, &put(Where::Given, second)).credential(given.clone());
        let error = twice.load().unwrap_err().to_string();
        assert!(error.starts_with("two credentials are given: give one of them"), "{error}");
    }
    // Elsewhere a key goes before a process, as it does in the official SDKs.
    for place in [Where::Variables, Where::Profile] {
        let loaded = loader(&home, &put(place, &[KEY[0], KEY[1], process])).load().unwrap();
        assert_eq!(loaded.settings.credential.unwrap().secret_id(), "AKIDbase");
    }
}

#[test]
fn a_role_that_is_given_is_assumed_with_what_is_found() {
    let other = (Where::Profile, CredentialSetting::RoleArn, "qcs::cam::uin/1:roleName/own");
    let role = (Where::Given, CredentialSetting::RoleArn, ARN);
    let home = Home::new();
    for place in PLACES {
        let parts =
            [put(place, &KEY), vec![role], if place == Where::Profile { vec![other] } else { vec![] }];
        let (what, body) = sent(&loader(&home, &parts.concat()).load().unwrap().settings);
        assert_eq!(
            (&*what, &body["RoleArn"], &body["RoleSessionName"]),
            ("AssumeRole by AKIDbase", &json!(ARN), &json!("cvm"))
        );
    }
    // A credential that is given takes no role from elsewhere.
    let variable = (Where::Variables, CredentialSetting::RoleArn, ARN);
    let given = Credential::new("AKIDgiven", "hidden").unwrap();
    let loaded = loader(&home, &[variable, other]).credential(given.clone()).load().unwrap();
    assert_eq!(loaded.settings.credential.unwrap().secret_id(), "AKIDgiven");
    let loaded = loader(&home, &[role, other]).credential(Lease::until(given, 4_000_000_000)).load().unwrap();
    assert_eq!(sent(&loaded.settings).0, "AssumeRole by AKIDgiven");
    assert_eq!(
        used(&loaded),
        format!("the role `{ARN}`, assumed with what the program gave as the source of credentials")
    );
}

#[test]
fn a_device_in_a_profile_gets_its_code_from_nearer() {
    let home = Home::new();
    let profile = [put(Where::Profile, &KEY), put(Where::Profile, &[ROLE[0], ROLE[5]])].concat();
    let code = |loader: Loader| sent(&loader.load().unwrap().settings).1["TokenCode"].clone();
    let with = |place| [profile.clone(), put(place, &[CODE])].concat();
    assert_eq!(code(loader(&home, &with(Where::Given))), "123456");
    assert_eq!(code(loader(&home, &with(Where::Variables)).profile("default")), "123456");
    assert_eq!(code(loader(&home, &with(Where::Variables)).mfa_code(MfaCode::once("654321"))), "654321");
    // A code is good once, so a profile is no place for one.
    let without = loader(&home, &with(Where::Profile)).load().unwrap();
    let error = fetch(&without.settings, 0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().ends_with("give mfa_code, or set TENCENTCLOUD_MFA_CODE"), "{error}");

    let key = put(Where::Profile, &KEY);
    let error = loader(&home, &key).mfa_code(MfaCode::once("1")).load().unwrap_err().to_string();
    assert!(error.starts_with("mfa_code is given, but no role is assumed with a device"), "{error}");
    // In the environment it is for whichever profile wants one.
    loader(&home, &[key, put(Where::Variables, &[CODE])].concat()).load().unwrap();
}
