//! Text as editors and shells save it, at the doors of the command: options, files, stdin.

use std::fs;
use std::process::Command;

use cvm_local::CvmLocal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command::{Ran, cvm, feed, run};

const INI: &str = ".tencentcloud/credentials";

fn utf16(text: &str) -> Vec<u8> {
    [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

fn in_home(home: &TempDir, args: &[&str]) -> Command {
    let mut command = cvm(args);
    command.env("HOME", home.path()).env("USERPROFILE", home.path());
    command
}

#[test]
fn a_key_on_stdin_is_taken_as_any_editor_saves_it() {
    for (input, key, token) in [
        ("key-one\n", "key-one", None),
        ("\u{feff}key-one\n", "key-one", None),
        ("\u{feff}key-one\r\ntoken-one\r\n", "key-one", Some("token-one")),
        ("  key-one \r\n\r\n", "key-one", None),
        ("key-one\ntoken-one", "key-one", Some("token-one")),
    ] {
        let home = tempfile::tempdir().unwrap();
        feed(&mut in_home(&home, &["configure", "--secret-id", "\u{feff}AKIDone "]), input).ended_with(0);
        let written = fs::read_to_string(home.path().join(INI)).unwrap();
        let token = token.map(|token| format!("token = {token}\n")).unwrap_or_default();
        assert_eq!(
            written,
            format!("[default]\nsecret_id = AKIDone\nsecret_key = {key}\n{token}"),
            "{input:?}"
        );
    }
}

#[test]
fn what_is_no_key_is_said_with_its_place_and_nothing_is_written() {
    for (input, part) in [
        (utf16("hidden\n"), "stdin:1: is UTF-16: save it as UTF-8"),
        (b"hid\xFFden\n".to_vec(), "stdin:1: is not UTF-8"),
        (
            "hid\u{200b}den\n".into(),
            "stdin:1: secret_key contains what is not printable ASCII (U+200B, character 4)",
        ),
        ("hidden密\n".into(), "stdin:1: secret_key contains what is not printable ASCII (U+5BC6"),
        ("hid den\n".into(), "stdin:1: secret_key contains white space"),
        ("hidden\nhid\u{7f}den\n".into(), "stdin:2: token contains white space or a control character"),
        ("\u{feff}\r\n".into(), "no secret key"),
        (vec![b'h'; 100 << 10], "cannot read stdin: it is larger than"),
    ] {
        let home = tempfile::tempdir().unwrap();
        let ran = feed(&mut in_home(&home, &["configure", "--secret-id", "AKIDone"]), input).ended_with(2);
        assert!(ran.err.contains(part) && !ran.err.contains("den"), "{part}: {ran:?}");
        assert!(!home.path().join(INI).exists());
    }
    for (args, part) in [
        (&["--secret-id", "AKID\u{200b}", "--secret-key", "hidden"][..], "--secret-id: secret_id contains"),
        (&["--secret-id", "AKID", "--secret-key", "hid den"], "--secret-key: secret_key contains"),
        (&["--secret-id", "AKID", "--secret-key", "k", "--token", "hid\nden"], "--token: token contains"),
    ] {
        let ran = run(&[&["configure"][..], args].concat()).ended_with(2);
        assert!(ran.err.contains(part) && !ran.err.contains("hid"), "{ran:?}");
    }
}

#[test]
fn json_is_read_as_any_editor_saves_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("request.json");
    let shown = file.to_str().unwrap();
    let text = "{\r\n  \"Limit\": 7\r\n}\r\n";
    let args = ["call", "DescribeImages", "--local", "--region", "ap-shanghai", "--dry-run", "--json"];
    for content in [text.to_owned(), format!("\u{feff}{text}"), text.replace("\r\n", "\n")] {
        fs::write(&file, &content).unwrap();
        let by_file = run(&[&args[..], &[shown]].concat()).ended_with(0);
        let by_stdin = feed(&mut cvm(&[&args[..], &["-"]].concat()), &content).ended_with(0);
        assert!(
            by_file.out.ends_with("{\"Limit\":7}\n") && by_stdin.out.ends_with("{\"Limit\":7}\n"),
            "{by_file:?}"
        );
    }
    for (content, part) in [
        (utf16(text), ":1: is UTF-16: save it as UTF-8"),
        (b"{\n\"A\": \"\xBE\xB5\"}".to_vec(), ":2: is not UTF-8: save it as UTF-8"),
        (b"\xEF\xBB\xBF{\n\"A\": x}".to_vec(), ":2: is not JSON: expected value at column 6"),
        (b"{\"A\": 1,\n\n}".to_vec(), ":3: is not JSON: trailing comma"),
        (Vec::new(), ":1: is empty: write JSON"),
    ] {
        fs::write(&file, &content).unwrap();
        let by_file = run(&[&args[..], &[shown]].concat()).ended_with(2);
        let by_stdin = feed(&mut cvm(&[&args[..], &["-"]].concat()), &content).ended_with(2);
        assert!(by_file.err.contains(&format!("--json: {shown}{part}")), "{by_file:?}");
        assert!(by_stdin.err.contains(&format!("--json: stdin{part}")), "{by_stdin:?}");
    }
    let folder = run(&[&args[..], &[folder.path().to_str().unwrap()]].concat()).ended_with(2);
    assert!(
        folder.err.contains("--json: cannot read ") && folder.err.contains("it is a folder"),
        "{folder:?}"
    );
    #[cfg(unix)]
    {
        let ran = run(&[&args[..], &["/dev/zero"]].concat()).ended_with(2);
        assert!(ran.err.contains("--json: cannot read /dev/zero: it is larger than"), "{ran:?}");
    }
    let ran = run(&["call", "DescribeImages", "--local", "Limit:={\"a\":}"]).ended_with(2);
    assert!(ran.err.contains("the value of `Limit` is not JSON: expected value at column 6"), "{ran:?}");
}

#[test]
fn a_body_is_signed_byte_for_byte_and_its_encoding_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("body");
    let shown = file.to_str().unwrap();
    let args = ["sign", "--action", "DescribeImages", "--timestamp", "1551113065", "--secret-id", "A"];
    let args = [&args[..], &["--secret-key", "k", "--output", "json", "--body"]].concat();
    let signatures: Vec<Value> = ["{}", "\u{feff}{}", "{}\n", "{}\r\n"]
        .into_iter()
        .map(|body| {
            fs::write(&file, body).unwrap();
            let by_file = run(&[&args[..], &[shown]].concat()).ended_with(0).json();
            let by_stdin = feed(&mut cvm(&[&args[..], &["-"]].concat()), body).ended_with(0).json();
            assert_eq!(by_file, by_stdin, "{body:?}");
            by_file["signature"].clone()
        })
        .collect();
    assert!((1..signatures.len()).all(|at| !signatures[..at].contains(&signatures[at])), "{signatures:?}");
    let bare: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_be_bytes).collect();
    for (body, part) in [
        (utf16("{}"), ":1: is UTF-16: save it as UTF-8"),
        (bare, ":1: is UTF-16: save it as UTF-8"),
        (b"\xFF\xFE\0\0{\0\0\0".to_vec(), ":1: is UTF-32"),
        (b"{\n\xBE\xB5}".to_vec(), ":2: is not UTF-8: save it as UTF-8"),
        (b"\xEF\xBB\xBF{\n\n\xC3}".to_vec(), ":3: is not UTF-8"),
    ] {
        fs::write(&file, &body).unwrap();
        let by_file = run(&[&args[..], &[shown]].concat()).ended_with(2);
        let by_stdin = feed(&mut cvm(&[&args[..], &["-"]].concat()), &body).ended_with(2);
        for (ran, place) in [(by_file, shown), (by_stdin, "stdin")] {
            // Usage errors are JSON where results are.
            assert!(ran.err.contains(&format!("--body: {place}{part}")), "{ran:?}");
        }
    }
}

#[test]
fn a_part_of_a_key_is_refused_by_the_name_of_its_option_or_variable() {
    let id = ["sign", "--action", "DescribeImages", "--secret-id", "AKIDone", "--secret-key", "key"];
    for wrong in ["hid\u{200b}den", "hid den", "hidden密", "hid\nden", "hid\u{7f}den", "hid\u{202e}den"] {
        let key = ["sign", "--action", "DescribeImages", "--secret-id", "AKIDone", "--secret-key", wrong];
        let by_option = run(&[&id[..], &["--token", wrong]].concat()).ended_with(2);
        let by_variable = cvm(&id).env("TENCENTCLOUD_TOKEN", wrong).output().unwrap();
        let in_profile = run(&["configure", "--secret-id", wrong, "--secret-key", "key"]).ended_with(2);
        for (ran, place) in [
            (by_option, "cvm: --token: token contains"),
            (Ran::from(by_variable).ended_with(2), "cvm: TENCENTCLOUD_TOKEN: token contains"),
            (run(&key).ended_with(2), "cvm: --secret-key: secret_key contains"),
            (in_profile, "cvm: --secret-id: secret_id contains"),
        ] {
            assert!(ran.err.starts_with(place) && !ran.err.contains("hid"), "{ran:?}");
        }
    }
}

#[test]
fn a_seed_and_a_state_file_are_texts_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let shown = file.to_str().unwrap();
    for (option, content, exit, parts) in [
        ("--seed", utf16("number: 7"), 2, &["--seed: ", "file:1: is UTF-16: save it as UTF-8"][..]),
        ("--seed", b"number: \xBE\xB5".to_vec(), 2, &["--seed: ", "file:1: is not UTF-8"]),
        ("--seed", b"\xEF\xBB\xBFcolour: red".to_vec(), 2, &["--seed: ", "colour"]),
        ("--state", utf16("{}"), 1, &["the state file ", "cannot be used: line 1 is UTF-16"]),
        (
            "--state",
            b"\xEF\xBB\xBF{\n\"version\": x}".to_vec(),
            1,
            &["the state file ", "line 2 is not JSON"],
        ),
        ("--state", Vec::new(), 1, &["the state file ", "line 1 is empty"]),
    ] {
        fs::write(&file, content).unwrap();
        let ran = run(&["local", option, shown]).ended_with(exit);
        assert!(parts.iter().all(|part| ran.err.contains(part)), "{parts:?}: {ran:?}");
    }
}

#[test]
fn a_password_in_an_address_is_never_shown() {
    for (args, part) in [
        (["--proxy", "http://u:hidden@host:x"], "proxy `http://***@host:x` has a port"),
        (["--proxy", "http://u:hidden@host:99999"], "has a port"),
        (["--proxy", "u:hidden@host"], "proxy `***@host` names no scheme"),
        (["--proxy", "socks4://u:hidden@host"], "has a scheme other than"),
        (["--endpoint", "http://u:hidden@host"], "endpoint `http://***@host` holds a user name"),
        (["--endpoint", "http://u:hidden@host:-1"], "has a port"),
        (["--ca-file", "/no/such/file"], "ca_file `/no/such/file` cannot be read"),
    ] {
        for command in [&["config", "show"][..], &["call", "DescribeRegions"], &["configure"]] {
            let ran = run(&[command, &args].concat()).ended_with(2);
            assert!(ran.err.contains(part), "{ran:?}");
            assert!(!ran.err.contains("hidden") && !ran.out.contains("hidden"), "{ran:?}");
        }
    }
    let mut shown = cvm(&["config", "show", "--proxy", "socks5h://u:hidden@host"]);
    let shown = Ran::from(shown.env("ALL_PROXY", "http://u:hidden@other").output().unwrap()).ended_with(0);
    assert!(shown.out.contains("socks5h://***@host:1080") && !shown.out.contains("hidden"), "{shown:?}");
}

fn answers(ran: &Ran) -> Vec<Value> {
    ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn request(changes: &Value) -> Value {
    let mut request =
        json!({ "action": "DescribeImages", "timestamp": 1_551_113_065, "region": "ap-shanghai" });
    request.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    request
}

#[test]
fn a_batch_refuses_members_that_it_does_not_know() {
    let key = json!({ "secret_id": "AKIDexample", "secret_key": "not-a-real-key" });
    for (name, part) in [
        ("Params", "there is no member `Params`: it is one of action, region"),
        ("parameters", "there is no member `parameters`"),
        ("secretId", "there is no member `secretId`"),
        ("payload", "there is no member `payload`"),
        ("", "there is no member ``"),
        ("x\u{1b}[31m", "there is no member `x"),
    ] {
        let mut line = request(&key);
        line[name] = json!({ "Limit": 1 });
        line["id"] = json!(name);
        let ran = feed(&mut cvm(&["sign", "--batch"]), format!("\n{line}\n")).ended_with(1);
        let answer = &answers(&ran)[0];
        let error = answer["error"].as_str().unwrap();
        assert!(error.starts_with("stdin:2: ") && error.contains(part), "{error}");
        assert_eq!((&answer["id"], answer.get("signature")), (&json!(name), None));
        assert!(!ran.out.contains('\u{1b}'));
    }
    let help = run(&["sign", "--help"]).ended_with(0).out;
    for name in cvm_proto::sign::explain::Input::MEMBERS.iter().chain(&["id", "expected"]) {
        let is_word = |line: &str| line.split([' ', ',']).any(|word| word == *name);
        assert!(help.lines().any(is_word), "{name} is in the help");
    }
}

#[test]
fn a_batch_is_read_line_by_line_as_any_program_writes_it() {
    let key = json!({ "secret_id": " AKIDexample\r\n", "secret_key": "\u{feff}not-a-real-key" });
    let line = request(&key).to_string();
    let plain = answers(&feed(&mut cvm(&["sign", "--batch"]), &line).ended_with(0));
    for input in [format!("\u{feff}{line}\r\n\r\n{line}\r\n"), format!("{line}\n\u{feff}{line}")] {
        let ran = feed(&mut cvm(&["sign", "--batch"]), &input).ended_with(0);
        assert_eq!(answers(&ran), [&plain[..], &plain[..]].concat(), "{input:?}");
    }
    let wide = feed(&mut cvm(&["sign", "--batch"]), utf16(&line)).ended_with(2);
    assert!(wide.err.contains("stdin:1: is UTF-16: save it as UTF-8"), "{wide:?}");
    for (line, part) in [
        (b"{\"action\": \"\xBE\xB5\"}".to_vec(), "stdin:1: is not UTF-8"),
        (b"{\"action\": }".to_vec(), "stdin:1: is not JSON: expected value at column 12"),
        (
            request(&json!({ "secret_id": "A\u{200b}", "secret_key": "k" })).to_string().into(),
            "stdin:1: secret_id contains",
        ),
        (
            request(&json!({ "secret_id": "A", "secret_key": "hid den" })).to_string().into(),
            "stdin:1: secret_key contains",
        ),
        (request(&json!({ "secret_id": "A" })).to_string().into(), "stdin:1: missing field `secret_key`"),
        (request(&json!({ "token": "t" })).to_string().into(), "stdin:1: missing field `secret_id`"),
    ] {
        let ran = feed(&mut cvm(&["sign", "--batch"]), line).ended_with(1);
        let error = answers(&ran)[0]["error"].clone();
        assert!(error.as_str().unwrap().starts_with(part), "{error}");
    }
}

#[test]
fn a_batch_signs_with_the_key_that_there_is() {
    let line = request(&json!({ "params": { "Limit": 1 } })).to_string();
    let signed_by = |ran: &Ran, id: &str| {
        let answer = answers(ran)[0]["authorization"].as_str().unwrap().to_owned();
        assert!(answer.contains(&format!("Credential={id}/")), "{answer}");
    };
    let mut command = cvm(&["sign", "--batch"]);
    command.env("TENCENTCLOUD_SECRET_ID", "AKIDenv").env("TENCENTCLOUD_SECRET_KEY", "key-env\r\n");
    signed_by(&feed(&mut command, &line).ended_with(0), "AKIDenv");
    let own = request(&json!({ "secret_id": "AKIDline", "secret_key": "k" })).to_string();
    signed_by(&feed(&mut command, own).ended_with(0), "AKIDline");

    let home = tempfile::tempdir().unwrap();
    let ini = home.path().join(INI);
    fs::create_dir_all(ini.parent().unwrap()).unwrap();
    fs::write(&ini, "[prod]\nsecret_id = AKIDprod\nsecret_key = 'k'\ntoken = t\n").unwrap();
    let mut command = in_home(&home, &["sign", "--batch", "--profile", "prod"]);
    let ran = feed(&mut command, &line).ended_with(0);
    signed_by(&ran, "AKIDprod");

    let none = feed(&mut cvm(&["sign", "--batch"]), &line).ended_with(1);
    assert!(answers(&none)[0]["error"].as_str().unwrap().starts_with("stdin:1: no credential: "), "{none:?}");
    let both = run(&["sign", "--batch", "--action", "DescribeImages"]).ended_with(2);
    assert!(both.err.contains("--batch"), "{both:?}");
}

#[test]
fn a_profile_is_read_as_any_editor_saves_it() {
    let local = CvmLocal::start().unwrap();
    let home = tempfile::tempdir().unwrap();
    let ini = home.path().join(INI);
    fs::create_dir_all(ini.parent().unwrap()).unwrap();
    let args = ["call", "DescribeRegions", "--endpoint", local.endpoint()];
    fs::write(&ini, "[DEFAULT]\nsecret_key = 'wrong'\n[default]\nsecret_id = AKIDgone\n").unwrap();
    let ran = Ran::from(in_home(&home, &args).output().unwrap()).ended_with(5);
    assert!(ran.err.contains("AuthFailure.SecretIdNotFound"), "{ran:?}");
    assert_eq!(local.requests().len(), 1, "the same key is not sent twice");
    let text = format!(
        "\u{feff}[DEFAULT]\r\nsecret_key = '{}'\r\n[default]\r\nsecret_id = \"{}\"\r\n",
        local.secret_key(),
        local.secret_id()
    );
    fs::write(&ini, text).unwrap();
    Ran::from(in_home(&home, &args).output().unwrap()).ended_with(0);
}
