//! Text as editors and shells save it, at every door: a byte order mark, other line ends, other encodings, other
//! characters, and too much of it.

use cvm_proto::ErrorKind;

use crate::{CA, Home, INI, fetch, keys};

const CREDENTIAL: &str = ".tccli/default.credential";
const CONFIGURE: &str = ".tccli/default.configure";

const INI_TEXT: &str = "[default]\nsecret_id = AKIDone\nsecret_key = key-one\nca_file = ~/ca.pem\n";
const CREDENTIAL_TEXT: &str = "{\n  \"secretId\": \"AKIDone\",\n  \"secretKey\": \"key-one\"\n}\n";
const CONFIGURE_TEXT: &str = "{\n  \"_sys_param\": {\n    \"region\": \"ap-beijing\"\n  }\n}\n";

/// What makes a text into bytes.
type Saved = fn(&str) -> Vec<u8>;

fn utf16(text: &str) -> Vec<u8> {
    [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// Without a mark, and the other way round.
fn utf16_bare(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

/// A word in GBK at the end.
fn gbk(text: &str) -> Vec<u8> {
    [text.as_bytes(), b"# \xBE\xB5\xCF\xF1\n"].concat()
}

fn marked(text: &str) -> Vec<u8> {
    format!("\u{feff}{text}").into_bytes()
}

fn crlf(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

fn both(text: &str) -> Vec<u8> {
    marked(&String::from_utf8(crlf(text)).unwrap())
}

#[test]
fn a_mark_and_line_ends_do_no_harm_in_any_file() {
    for saved in [marked as Saved, crlf, both] {
        let home = Home::new().with(INI, saved(INI_TEXT)).with("ca.pem", saved(CA));
        let loaded = home.load(&[]);
        assert_eq!(keys(&loaded.settings), Some(("AKIDone", "key-one", None)));
        assert_eq!(loaded.settings.ca_certificates().unwrap().len(), 1);

        let home =
            Home::new().with(CREDENTIAL, saved(CREDENTIAL_TEXT)).with(CONFIGURE, saved(CONFIGURE_TEXT));
        let loaded = home.load(&[]);
        assert_eq!(keys(&loaded.settings), Some(("AKIDone", "key-one", None)));
        assert_eq!(loaded.settings.region.as_deref(), Some("ap-beijing"));
    }
}

#[test]
fn other_encodings_are_named_with_the_file_and_the_line() {
    let files = [
        (INI, INI_TEXT, "~/.tencentcloud/credentials"),
        (CREDENTIAL, CREDENTIAL_TEXT, "~/.tccli/default.credential"),
        (CONFIGURE, CONFIGURE_TEXT, "~/.tccli/default.configure"),
    ];
    for (path, text, shown) in files {
        let last = text.lines().count() + 1;
        for (saved, expected) in [
            (utf16 as Saved, format!("{shown}:1: is UTF-16: save it as UTF-8")),
            (utf16_bare, format!("{shown}:1: is UTF-16: save it as UTF-8")),
            (gbk, format!("{shown}:{last}: is not UTF-8: save it as UTF-8")),
        ] {
            assert_eq!(Home::new().with(path, saved(text)).error(&[]), expected);
        }
    }
    let home = Home::new().with("ca.pem", utf16(CA));
    let pem = home.path("ca.pem").display().to_string();
    let error = home.error(&[("TENCENTCLOUD_CA_FILE", &pem)]);
    assert_eq!(error, format!("TENCENTCLOUD_CA_FILE: ca_file `{pem}` is UTF-16: save it as UTF-8"));
}

#[test]
fn what_a_ca_file_lacks_is_said_with_its_setting() {
    let der = [0x30, 3, 2, 1, 1];
    for (content, expected) in [
        (&b""[..], "holds no certificate: give certificates in PEM"),
        (b"\xEF\xBB\xBFnot PEM\r\n", "holds no certificate: give certificates in PEM"),
        (&der, "holds a certificate in DER: give certificates in PEM"),
        (b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n", "is not well-formed PEM"),
        (
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "claims to be a certificate and is none",
        ),
        (b"-----BEGIN CERTIFICATE-----\nMAMCAQE=\n", "is not well-formed PEM"),
    ] {
        let home = Home::new().with("ca.pem", content).with(INI, "[default]\n\nca_file = ~/ca.pem\n");
        let error = home.error(&[]);
        assert!(error.starts_with("~/.tencentcloud/credentials:3: ca_file `~/ca.pem` "), "{error}");
        assert!(error.contains(expected), "{error}");
    }
    let folder = Home::new();
    let shown = folder.path("").display().to_string();
    assert!(folder.error(&[("TENCENTCLOUD_CA_FILE", &shown)]).ends_with("cannot be read: it is a folder"));
}

#[cfg(unix)]
#[test]
fn what_never_ends_is_not_read_to_its_end() {
    let home = Home::new();
    for (name, part) in [
        ("TENCENTCLOUD_CREDENTIALS_FILE", "/dev/zero cannot be read: it is larger than"),
        (
            "TENCENTCLOUD_CA_FILE",
            "TENCENTCLOUD_CA_FILE: ca_file `/dev/zero` cannot be read: it is larger than",
        ),
    ] {
        let error = home.error(&[(name, "/dev/zero")]);
        assert!(error.contains(part), "{error}");
    }
    for path in [INI, CREDENTIAL, CONFIGURE] {
        let home = Home::new().with(path, "");
        std::fs::remove_file(home.path(path)).unwrap();
        std::os::unix::fs::symlink("/dev/zero", home.path(path)).unwrap();
        let error = home.error(&[]);
        assert!(error.starts_with(&format!("~/{path} cannot be read: it is larger than")), "{error}");
    }
}

#[test]
fn what_surrounds_a_value_comes_off_at_every_door() {
    for around in ["{}", " {}", "{}\r\n", "\u{feff}{}", "\u{feff} {}\t\u{feff}", "\u{a0}{}\u{3000}"] {
        let value = |text: &str| around.replace("{}", text);
        let home = Home::new();
        let loaded = home.load(&[
            ("TENCENTCLOUD_SECRET_ID", &value("AKIDone")),
            ("TENCENTCLOUD_SECRET_KEY", &value("key-one")),
            ("TENCENTCLOUD_TOKEN", &value("token-one")),
            ("TENCENTCLOUD_REGION", &value("ap-beijing")),
            ("TENCENTCLOUD_ENDPOINT", &value("http://127.0.0.1:1")),
            ("TENCENTCLOUD_PROXY", &value("http://proxy:3128")),
        ]);
        assert_eq!(keys(&loaded.settings), Some(("AKIDone", "key-one", Some("token-one"))), "{around:?}");
        assert_eq!(loaded.settings.region.as_deref(), Some("ap-beijing"));
        assert_eq!(loaded.settings.endpoint.origin("").url(), "http://127.0.0.1:1/");
        assert_eq!(loaded.settings.proxy.as_deref(), Some("http://proxy:3128"));
        let given = home.loader(&[]).region(value("ap-tokyo")).load().unwrap();
        assert_eq!(given.settings.region.as_deref(), Some("ap-tokyo"));
        let json = serde_json::json!({ "secretId": value("AKIDone"), "secretKey": value("key-one"), "token": value("t") });
        let loaded = Home::new().with(CREDENTIAL, json.to_string()).load(&[]);
        assert_eq!(keys(&loaded.settings), Some(("AKIDone", "key-one", Some("t"))), "{around:?}");
    }
}

#[test]
fn a_key_that_cannot_be_one_is_said_where_it_was_read() {
    for (wrong, part) in [
        ("hid\u{200b}den", "contains what is not printable ASCII (U+200B, character 4)"),
        ("hidden密", "(U+5BC6, character 7)"),
        ("hid\u{202e}den", "(U+202E"),
        ("hid den", "contains white space"),
        ("hid\u{7f}den", "control character"),
    ] {
        let check = |error: String, place: &str| {
            assert!(error.starts_with(place) && error.contains(part), "{error}");
            assert!(!error.contains("hid") && !error.contains("den "), "{error}");
        };
        let (id, key) = (("TENCENTCLOUD_SECRET_ID", "AKIDx"), ("TENCENTCLOUD_SECRET_KEY", "k"));
        let home = Home::new();
        check(home.error(&[("TENCENTCLOUD_SECRET_ID", wrong), key]), "TENCENTCLOUD_SECRET_ID: secret_id ");
        check(home.error(&[id, ("TENCENTCLOUD_SECRET_KEY", wrong)]), "TENCENTCLOUD_SECRET_KEY: secret_key ");
        check(
            home.error(&[id, key, ("TENCENTCLOUD_SESSION_TOKEN", wrong)]),
            "TENCENTCLOUD_SESSION_TOKEN: token ",
        );
        for (at, name) in ["secret_id", "secret_key", "token"].into_iter().enumerate() {
            let mut parts = ["AKIDx", "k", "t"];
            parts[at] = wrong;
            let [id, key, token] = parts;
            let ini = format!("[default]\nsecret_id = {id}\nsecret_key = {key}\ntoken = {token}\n");
            check(Home::new().with(INI, ini).error(&[]), &format!("~/{INI}:{}: {name} ", at + 2));
            let json =
                format!("{{\n\"secretId\": \"{id}\",\n\"secretKey\": \"{key}\",\n\"token\": \"{token}\"\n}}");
            if !wrong.contains('\u{7f}') {
                check(
                    Home::new().with(CREDENTIAL, json).error(&[]),
                    &format!("~/{CREDENTIAL}:{}: {name} ", at + 2),
                );
            }
        }
    }
}

#[test]
fn the_token_of_a_cluster_is_text_as_all_else() {
    let home = Home::new();
    let token = home.path("token").display().to_string();
    let tke = [
        ("TKE_REGION", "ap-guangzhou"),
        ("TKE_PROVIDER_ID", "cls-1"),
        ("TKE_WEB_IDENTITY_TOKEN_FILE", &*token),
        ("TKE_ROLE_ARN", "qcs::cam::uin/1:roleName/pod"),
    ];
    for (content, part) in [
        (utf16("hidden"), "is UTF-16: save it as UTF-8"),
        (b"hid\xFFden".to_vec(), "is not UTF-8"),
        (marked("\r\n"), "is empty"),
        (b"hid\r\nden".to_vec(), "the token in it contains white space"),
        ("hid\u{200b}den".into(), "(U+200B, character 4)"),
        (vec![b'x'; 2 << 20], "larger than"),
    ] {
        home.write("token", content);
        let error = fetch(&home.load(&tke).settings, 0).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credential, "{error}");
        let text = error.to_string();
        assert!(text.contains("TKE_WEB_IDENTITY_TOKEN_FILE") && text.contains(part), "{text}");
        assert!(!text.contains("hid"), "{text}");
    }
    // Nobody writes into this pipe, and no limit of a call would end the wait.
    #[cfg(unix)]
    {
        std::fs::remove_file(home.path("token")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(home.path("token")).status().unwrap().success());
        let error = fetch(&home.load(&tke).settings, 0).unwrap_err().to_string();
        assert!(error.contains("TKE_WEB_IDENTITY_TOKEN_FILE names, is no regular file"), "{error}");
    }
    let nowhere = [("TKE_REGION", "Guangzhou"), tke[1], tke[2], tke[3]];
    assert!(home.error(&nowhere).starts_with("TKE_REGION: region `Guangzhou`"));
}
