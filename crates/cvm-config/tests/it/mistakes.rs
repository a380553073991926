//! Files and variables that are wrong: the error says where, and never what a secret is.

use cvm_config::Setting;

use crate::{Home, INI};

/// Every key in these tests has this in it.
const SECRET: &str = "hidden";

fn shows(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
    assert!(!error.contains(SECRET), "{error}");
}

#[test]
fn in_the_ini_file() {
    for (text, place, part) in [
        ("secret_id = AKIDx\n", 1, "before any section"),
        ("[default]\nsecret_id = AKIDx\nhidden\n", 3, "neither `[section]` nor `key = value`"),
        ("[default\nsecret_id = AKIDx\n", 1, "ends with `]`"),
        ("[default]\n= hidden\n", 2, "no key"),
        (
            "# c\n\n[default]\nsecret_id = a\nsecret_key = hidden\nSECRET_ID = b\n",
            6,
            "`secret_id` is there twice",
        ),
        ("[default]\na = b\n[default]\n", 3, "section `default` is there twice"),
        ("[default]\nsecret_id = AKIDx\n", 2, "secret_id is set, but secret_key is not"),
        ("[default]\n\nsecret_key = hidden\n", 3, "secret_key is set, but secret_id is not"),
        ("[default]\nsecret_id = AKIDx\nsecret_key = hid den\n", 3, "secret_key contains white space"),
        (
            "[default]\nsecret_id = AKIDx\nsecret_key = hidden\n  hidden\n",
            3,
            "secret_key contains white space",
        ),
        ("[default]\nsecret_id = A B\nsecret_key = hidden\n", 2, "secret_id contains white space"),
        (
            "[default]\nsecret_id = A\nsecret_key = hidden\ntoken = hidden hidden\n",
            4,
            "token contains white space",
        ),
        ("[default]\nregion = Guangzhou!\n", 2, "region `Guangzhou!`"),
        ("[default]\nattempts = many\n", 2, "attempts `many`"),
        ("[default]\nattempts = 0\n", 2, "attempts `0` is not a number from 1 to 100"),
        ("[default]\ncall_timeout = soon\n", 2, "call_timeout `soon`"),
        ("[default]\ncall_timeout = 0\n", 2, "call_timeout `0`"),
        ("[default]\nlanguage = de\n", 2, "zh-CN or en-US"),
        ("[default]\ninternal = maybe\n", 2, "internal `maybe`"),
        ("[default]\nscheme = ftp\n", 2, "scheme `ftp`"),
        ("[default]\nendpoint = http://host/path\n", 2, "endpoint `http://host/path`"),
        (
            "[default]\nproxy = socks4://me:hidden@host\n",
            2,
            "proxy `socks4://***@host` has a scheme other than",
        ),
        ("[default]\nrequest_client = a b\n", 2, "request client"),
        ("[default]\nrole_arn = qcs::x\n", 2, "role_arn needs a credential"),
        ("[default]\nrole_arn = qcs::x\nsource_profile = gone\n", 3, "no profile `gone`"),
        ("[default]\nsource_profile = b\n[b]\nsource_profile = default\n", 4, "leads back to itself"),
        ("[default]\ncredential_process = 'hidden\n", 2, "close its quotes"),
        ("[default]\nca_file = gone.pem\n", 2, "ca_file `gone.pem` cannot be read"),
    ] {
        let error = Home::new().with(INI, text).error(&[]);
        assert!(error.starts_with(&format!("~/{INI}:{place}: ")), "{text}: {error}");
        shows(&error, &[part]);
    }
    let home = Home::new().with(INI, "");
    std::fs::write(home.path(INI), b"[default]\nsecret_key = hidden\xff\n").unwrap();
    shows(&home.error(&[]), &[":2: is not UTF-8"]);
    let error = Home::new().error(&[("TENCENTCLOUD_CREDENTIALS_FILE", "no-such-file")]);
    shows(&error, &["TENCENTCLOUD_CREDENTIALS_FILE names no-such-file, which is not there"]);
}

#[test]
fn in_the_files_of_tccli() {
    for (text, place, part) in [
        ("{\n  \"secretId\": \"AKIDx\",\n  \"secretKey\": hidden\n}", 3, "not the JSON that tccli writes"),
        ("", 1, "not the JSON"),
        ("[\"hidden\"]", 1, "not a JSON object"),
        ("{\n  \"secretId\": \"AKIDx\"\n}", 2, "no secretKey"),
        ("{\n  \"secretId\": \"\",\n  \"secretKey\": \"hidden\"\n}", 3, "no secretId"),
        ("{\n  \"secretId\": 5,\n  \"secretKey\": \"hidden\"\n}", 2, "`secretId` is not a text"),
        ("{\n  \"secretId\": \"AKIDx\",\n  \"secretKey\": \"hid den\"\n}", 3, "white space"),
        (
            "{\n  \"expiresAt\": \"hidden\",\n  \"secretId\": \"A\",\n  \"secretKey\": \"hidden\"\n}",
            2,
            "not a time",
        ),
        ("{\n  \"expiresAt\": 5\n}", 2, "no secretId"),
        ("{\n  \"role-arn\": \"qcs::x\"\n}", 2, "a role needs a key"),
    ] {
        let error = Home::new().with(".tccli/default.credential", text).error(&[]);
        assert!(error.starts_with(&format!("~/.tccli/default.credential:{place}: ")), "{text}: {error}");
        shows(&error, &[part]);
    }
    let text = "{\n  \"_sys_param\": {\n    \"region\": \"no region\"\n  }\n}";
    let error = Home::new().with(".tccli/default.configure", text).error(&[]);
    shows(&error, &["~/.tccli/default.configure:3: region `no region`"]);
}

#[test]
fn in_the_environment() {
    let home = Home::new();
    let id = ("TENCENTCLOUD_SECRET_ID", "AKIDx");
    let key = ("TENCENTCLOUD_SECRET_KEY", "hidden");
    shows(&home.error(&[id]), &["TENCENTCLOUD_SECRET_ID is set, but TENCENTCLOUD_SECRET_KEY is not"]);
    shows(&home.error(&[key]), &["TENCENTCLOUD_SECRET_KEY is set, but TENCENTCLOUD_SECRET_ID is not"]);
    shows(
        &home.error(&[id, ("TENCENTCLOUD_SECRET_KEY", "hid\nden")]),
        &["TENCENTCLOUD_SECRET_KEY: secret_key"],
    );
    shows(
        &home.error(&[id, key, ("TENCENTCLOUD_TOKEN", "hid\nden")]),
        &["TENCENTCLOUD_TOKEN: token contains"],
    );
    shows(&home.error(&[("TENCENTCLOUD_REGION", "X")]), &["TENCENTCLOUD_REGION: region `X`"]);
}

#[test]
fn a_profile_that_is_not_there() {
    let home = Home::new().with(INI, "[prod]\nregion = ap-beijing\n").with(".tccli/work.configure", "{}");
    let error = home.error(&[("TENCENTCLOUD_PROFILE", "prd")]);
    shows(
        &error,
        &[
            "TENCENTCLOUD_PROFILE: there is no profile `prd`: did you mean `prod` (there are prod, work)?",
            "cvm configure",
        ],
    );
    let error = home.loader(&[]).profile("prd").load().unwrap_err().to_string();
    shows(&error, &["there is no profile `prd`"]);
    let error = home.loader(&[]).profile("../work").load().unwrap_err().to_string();
    shows(&error, &["there is no profile `../work`"]);
    for (base, what_to_do) in [("prodd", "did you mean `prod`?"), ("x", "name one of child, prod")] {
        let child = format!(
            "[prod]\nregion = ap-x\n[child]\nrole_arn = qcs::cam::uin/1:roleName/a\nsource_profile = {base}\n"
        );
        let home = Home::new().with(INI, child);
        let error = home.loader(&[]).profile("child").load().unwrap_err().to_string();
        shows(&error, &[&format!("source_profile: there is no profile `{base}`: {what_to_do}")]);
    }
    shows(&Home::new().error(&[("TCCLI_PROFILE", "x")]), &["there are none"]);
}

#[test]
fn what_stands_behind_a_value_is_not_repeated() {
    // Lines that an editor or a copy has made one, and the next of them is a secret.
    for between in ["\0", "\u{b}", "\u{85}", "\u{2028}", " ", "\t", "\u{1b}"] {
        for setting in [
            Setting::Region,
            Setting::Language,
            Setting::Scheme,
            Setting::Internal,
            Setting::Attempts,
            Setting::CallTimeout,
            Setting::RequestClient,
            Setting::Endpoint,
            Setting::Proxy,
            Setting::RootDomain,
            Setting::CaFile,
        ] {
            let line = format!("x{between}secret_key = hidden");
            let ini = format!("[default]\n{setting} = {line}\n");
            let variable = setting.variables()[0];
            for error in [Home::new().with(INI, ini).error(&[]), Home::new().error(&[(variable, &line)])] {
                assert!(error.contains("x…") && !error.contains("hidden"), "{setting} {between:?}: {error}");
            }
        }
        let ini = format!("[default]\nsource_profile = x{between}secret_key = hidden\n");
        let error = Home::new().with(INI, ini).error(&[]);
        assert!(error.contains("`x…`") && !error.contains("hidden"), "{error}");
    }
}

#[test]
fn retries_are_refused_with_the_attempts_to_set_instead() {
    let variable = |value: &str| Home::new().error(&[("TENCENTCLOUD_RETRIES", value)]);
    let key = |value: &str| Home::new().with(INI, format!("[default]\nretries = {value}\n")).error(&[]);
    for (retries, attempts) in [("0", "1"), ("2", "3"), ("99", "100")] {
        assert_eq!(
            variable(retries),
            format!(
                "TENCENTCLOUD_RETRIES: retries is no longer a setting: set `TENCENTCLOUD_ATTEMPTS={attempts}` instead \
                 (the first request counts as well)"
            )
        );
        assert_eq!(
            key(retries),
            format!(
                "~/{INI}:2: retries is no longer a setting: set `attempts = {attempts}` instead \
                 (the first request counts as well)"
            )
        );
    }
    for none in ["many", "100", "-1", "hidden"] {
        shows(
            &variable(none),
            &["TENCENTCLOUD_RETRIES: ", "set TENCENTCLOUD_ATTEMPTS from 1 to 100 instead"],
        );
        shows(&key(none), &[":2: ", "set attempts from 1 to 100 instead"]);
    }
    let home = Home::new().with(INI, "[default]\nretries = 7\nattempts = 8\n");
    assert_eq!(home.load(&[]).settings.retry.attempts, 8, "what the sentence says is enough");
    let both = [("TENCENTCLOUD_RETRIES", "3"), ("TENCENTCLOUD_ATTEMPTS", "4")];
    assert_eq!(home.load(&both).settings.retry.attempts, 4);
    assert_eq!(home.load(&[("TENCENTCLOUD_RETRIES", " ")]).settings.retry.attempts, 8);
}
