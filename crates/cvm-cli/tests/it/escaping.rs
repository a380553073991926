//! What others wrote (names, messages, ids, words of the command line) on its way to a terminal and into a log.

use serde_json::{Value, json};

use crate::answering::Answering;
use crate::command::{Folder, Ran, cvm};

/// What would steer a terminal, turn the direction of writing or begin a line of its own, and how people are shown it.
const UNSAFE: [(&str, &str); 9] = [
    ("\u{1b}[31m", r"\u{1b}[31m"),
    ("\u{7}", r"\u{7}"),
    ("\u{8}\u{8}", r"\u{8}\u{8}"),
    ("\r", r"\r"),
    ("\n2026-01-01T00:00:00Z  INFO forged", r"\n2026-01-01T00:00:00Z  INFO forged"),
    ("\0", r"\u{0}"),
    ("\u{9b}2J", r"\u{9b}2J"),
    ("\u{202e}gpj", r"\u{202e}gpj"),
    ("\u{2028}", r"\u{2028}"),
];

/// Neither stream holds a character that a terminal obeys, but for the ends of lines.
fn check_streams(ran: &Ran) {
    for (name, text) in [("stdout", &ran.out), ("stderr", &ran.err)] {
        let obeyed = |c: char| {
            c.is_control() && c != '\n'
                || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}')
        };
        assert!(!text.contains(obeyed), "{name}: {ran:?}");
        assert!(
            !text.lines().any(|line| line.starts_with("2026-01-01T00")),
            "{name} has a forged line: {ran:?}"
        );
    }
}

fn image(name: &str) -> Value {
    json!({
        "ImageId": "img-o3ycss2p", "ImageName": name, "ImageState": name, "OsName": name, "ImageType": "PRIVATE_IMAGE",
        "CreatedTime": name, "ImageSize": 50, "Architecture": "x86_64", "Platform": "Ubuntu",
    })
}

#[test]
fn names_from_the_service_steer_no_terminal_in_any_list() {
    for (text, shown) in UNSAFE {
        let name = format!("a{text}b");
        let answer = image(&name);
        let service = Answering::with(move |action| match action {
            "DescribeRegions" => {
                json!({ "RegionSet": [{ "Region": "ap-beijing", "RegionState": "AVAILABLE" }], "TotalCount": 1 })
            }
            _ => json!({ "ImageSet": [answer], "TotalCount": 1, "ImageNumQuota": 10 }),
        });
        let doors: [&[&str]; 4] = [
            &["images"],
            &["images", "--regions", "ap-shanghai,ap-beijing"],
            &["images", "--all-regions"],
            &["sync", "img-o3ycss2p", "--to", "ap-beijing", "--dry-run"],
        ];
        for door in doors {
            let ran: Ran = service.command(door).output().unwrap().into();
            check_streams(&ran);
            let told = format!("{}{}", ran.out, ran.err);
            assert!(told.contains(&format!("a{shown}b")), "{door:?}: {ran:?}");
        }
    }
}

#[test]
fn an_error_of_the_service_steers_no_terminal_and_forges_no_line_of_the_log() {
    for (text, shown) in UNSAFE {
        for member in ["Code", "Message", "RequestId"] {
            let text = format!("a{text}b");
            let service = Answering::with(move |_| {
                let mut answer = json!({ "Error": { "Code": "A.B", "Message": "why" } });
                let place = if member == "RequestId" { &mut answer } else { &mut answer["Error"] };
                place[member] = text.clone().into();
                answer
            });
            let doors: [&[&str]; 5] = [
                &["call", "DescribeRegions"],
                &["call", "DescribeRegions", "-vv"],
                &["images"],
                &["quota", "--regions", "ap-beijing"],
                &["config", "show", "--check"],
            ];
            for door in doors {
                let ran: Ran = service.command(door).output().unwrap().into();
                check_streams(&ran);
                let told = format!("{}{}", ran.out, ran.err);
                assert!(told.contains(&format!("a{shown}b")), "{member} in {door:?}: {ran:?}");
            }
        }
    }
}

#[test]
fn json_is_exact_and_steers_no_terminal_either() {
    for (text, _) in UNSAFE {
        let name = format!("a{text}b");
        let answer = image(&name);
        let service = Answering::with(move |_| json!({ "ImageSet": [answer], "TotalCount": 1 }));
        for (door, pointer) in [
            (&["call", "DescribeImages"][..], "/ImageSet/0/ImageName"),
            (&["call", "DescribeImages", "--query", "ImageSet[0].ImageName"], ""),
            (&["call", "DescribeImages", "--all-pages"], "/ImageSet/0/ImageName"),
            (&["images", "--output", "json"], "/0/ImageName"),
        ] {
            let ran: Ran = service.command(door).output().unwrap().into();
            check_streams(&ran);
            let ran = ran.ended_with(0);
            assert_eq!(ran.json().pointer(pointer), Some(&json!(name)), "{door:?}");
        }
        let message = name.clone();
        let service = Answering::with(move |_| json!({ "Error": { "Code": "A.B", "Message": message } }));
        let ran: Ran =
            service.command(&["call", "DescribeRegions", "--output", "json"]).output().unwrap().into();
        check_streams(&ran);
        let error: Value = serde_json::from_str(&ran.err).unwrap();
        assert_eq!(error["error"]["message"], name);
        assert!(!error["sentence"].as_str().unwrap().contains(char::is_control), "{error}");
    }
}

#[test]
fn words_of_the_command_line_and_of_files_steer_no_terminal() {
    let folder = Folder::new("escaping");
    for (number, (text, shown)) in UNSAFE.into_iter().enumerate() {
        // The system has no arguments with a zero byte.
        if text.contains('\0') {
            continue;
        }
        let word = format!("a{text}b");
        let seed = folder.0.join(format!("seed-{number}"));
        std::fs::write(&seed, json!({ "colour": 1, &word: 2 }).to_string()).unwrap();
        let seed = seed.to_str().unwrap().to_owned();
        let doors = [
            vec!["call", "DescribeRegions", "--no-such-option", &word],
            vec!["call", "DescribeRegions", "--output", &word],
            vec!["call", &word, "--local", "--dry-run", "--region", &word],
            vec!["call", "DescribeRegions", "--local", "--query", &word],
            vec!["call", "DescribeImages", "--local", "--region", "ap-shanghai", &word],
            vec!["actions", &word],
            vec!["describe", &word],
            vec!["jobs", "forget", &word],
            vec!["config", "show", "--profile", &word],
            vec!["sync", "img-o3ycss2p", "--local", "--from", "ap-shanghai", "--to", &word],
            vec!["sync", "--resume", "--journal", &word],
            vec!["local", "--seed", &seed],
        ];
        for door in doors {
            let ran: Ran = cvm(&door).output().unwrap().into();
            check_streams(&ran);
            let ran = ran.ended_with(2);
            let is_told = ran.err.contains(&format!("a{shown}b"));
            assert!(is_told || !ran.err.contains("a\\"), "{door:?}: {ran:?}");
        }
    }
}
