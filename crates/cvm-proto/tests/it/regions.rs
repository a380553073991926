//! Which regions a list of names and patterns stands for.

use std::time::Duration;

use cvm_proto::{Cancel, ErrorKind, Job, Machine, Now, Step, WhichRegions};

use crate::driver::{UNIX, config, not_sent, ok, refused, run};

const LIST: [(&str, bool); 10] = [
    ("ap-shanghai", true),
    ("ap-guangzhou", true),
    ("ap-beijing", true),
    ("ap-mumbai", false),
    ("na-ashburn", true),
    ("na-siliconvalley", true),
    ("eu-frankfurt", true),
    ("ap-shanghai-fsi", true),
    ("ap-shenzhen-fsi", true),
    ("ap-beijing-fsi", false),
];

fn list() -> String {
    let entry = |(region, available): (&str, bool)| {
        let state = if available { "AVAILABLE" } else { "UNAVAILABLE" };
        format!(r#"{{"Region":"{region}","RegionName":"","RegionState":"{state}"}}"#)
    };
    format!(r#""TotalCount":10,"RegionSet":[{}],"#, LIST.map(entry).join(","))
}

fn from(region: &str, names: &[&str]) -> WhichRegions {
    WhichRegions::of(names.iter().copied()).from(region)
}

fn of(names: &[&str]) -> WhichRegions {
    from("ap-shanghai", names)
}

#[test]
fn patterns_stand_for_what_an_image_can_go_to() {
    let five = &["ap-guangzhou", "ap-beijing", "na-ashburn", "na-siliconvalley", "eu-frankfurt"][..];
    let cases: &[(WhichRegions, &[&str])] = &[
        (of(&["all"]), five),
        (of(&["*"]), five),
        (of(&["ap-*"]), &["ap-guangzhou", "ap-beijing"]),
        (of(&["*-ashburn", "ap-b*g"]), &["na-ashburn", "ap-beijing"]),
        (of(&["?a-*n"]), &["na-ashburn"]),
        (of(&["*a*s*i*"]), &["na-siliconvalley"]),
        // What is written out is taken as it is, and stands where it stands.
        (
            of(&["eu-frankfurt", "ap-mumbai", "ap-new", "ap-*"]),
            &["eu-frankfurt", "ap-mumbai", "ap-new", "ap-guangzhou", "ap-beijing"],
        ),
        (of(&["ap-shanghai", "na-*"]), &["ap-shanghai", "na-ashburn", "na-siliconvalley"]),
        // The border of the finance regions.
        (from("ap-shanghai-fsi", &["all"]), &["ap-shenzhen-fsi"]),
        (from("ap-shanghai-fsi", &["ap-s*"]), &["ap-shenzhen-fsi"]),
        (WhichRegions::of(["ap-s*"]), &["ap-shanghai", "ap-shanghai-fsi", "ap-shenzhen-fsi"]),
        // Exceptions.
        (of(&["all"]).except(["na-*", "eu-frankfurt"]), &["ap-guangzhou", "ap-beijing"]),
        (of(&["all"]).except(["ap-shanghai", "ap-mumbai", "*-fsi", " ", "ap-*"]), &five[2..]),
        (of(&["ap-beijing", "ap-new"]).except(["ap-new"]), &["ap-beijing"]),
        // White space, empty names, and what is named twice.
        (of(&[" all ", "", "ap-beijing"]), five),
        (of(&["na-*", " na-ashburn", "*-ashburn"]).except([" na-silicon* "]), &["na-ashburn"]),
    ];
    for (which, expected) in cases {
        let asked = run(which.clone().start(&config(), 1), |_, _| ok(&list()));
        assert_eq!(asked.output.as_ref().unwrap(), expected, "{which:?}");
        assert_eq!(asked.actions(), ["DescribeRegions"]);
        let region = asked.seen[0].header("x-tc-region");
        assert!(region.is_empty() || region.ends_with("-fsi"), "a list of regions needs none: {region}");
    }
}

#[test]
fn names_alone_need_no_list() {
    for (names, expected) in [
        (&["ap-beijing"][..], &["ap-beijing"][..]),
        (&["ap-tokyo ", " ap-new", "ap-tokyo", ""], &["ap-tokyo", "ap-new"]),
    ] {
        let asked = run(of(names).start(&config(), 1), |_, _| panic!("nothing is asked"));
        assert_eq!(asked.output.unwrap(), expected);
    }
}

#[test]
fn what_stands_for_nothing_is_named() {
    let cases = [
        (of(&["sa-*"]), "`sa-*` stands for no region that an image can go to from ap-shanghai"),
        (of(&["ap-beijing", "ap-m*"]), "`ap-m*` stands for no region"),
        (of(&["ap-shanghai*"]), "`ap-shanghai*` stands for no region"),
        (of(&["*-fsi"]), "`*-fsi` stands for no region"),
        (of(&["AP-*"]), "`AP-*` stands for no region"),
        (WhichRegions::of(["x*"]), "`x*` stands for no available region"),
        (
            of(&["all"]).except(["ap-beijng"]),
            "`ap-beijng` is to be left out and is no region of the service: did you mean `ap-beijing`?",
        ),
        (
            of(&["all"]).except(["ap-new"]),
            "`ap-new` is to be left out and is no region of the service: DescribeRegions",
        ),
        (of(&["all"]).except(["xx-*"]), "`xx-*` is to be left out"),
        (of(&["ap-beijing"]).except(["beijing"]), "did you mean `ap-beijing`?"),
        (
            of(&["ap-beijing", "na-*"]).except(["na-*", "ap-*"]),
            "no region is left of ap-beijing, na-* without na-*, ap-*",
        ),
        (of(&["all"]).except(["all"]), "no region is left of all without all"),
        (of(&[]), "the list of regions is empty: name at least one"),
        (of(&["", " "]), "the list of regions is empty"),
    ];
    for (which, part) in cases {
        let asked = run(which.clone().start(&config(), 1), |_, _| ok(&list()));
        match asked.output {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Parameter, "{which:?}");
                assert!(error.to_string().contains(part), "{error}");
            }
            Ok(regions) => panic!("{which:?} stands for {regions:?}"),
        }
    }
}

#[test]
fn a_list_that_cannot_be_read_is_an_error_where_something_depends_on_it() {
    let asked = run(of(&["ap-*"]).start(&config(), 1), |_, _| refused("UnauthorizedOperation"));
    let error = asked.output.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credential);
    assert_eq!(
        error.to_string(),
        "DescribeRegions: UnauthorizedOperation: because; name the regions, or try again (request id r-no)"
    );
    let asked = run(of(&["all"]).start(&config(), 1), |_, _| not_sent());
    assert_eq!(asked.output.unwrap_err().kind(), ErrorKind::Network);
    assert!(asked.seen.len() > 1, "it is tried again");
    let wrong = run(from("AP", &["all"]).start(&config(), 1), |_, _| panic!("nothing is asked"));
    assert_eq!(wrong.output.unwrap_err().kind(), ErrorKind::Config);
}

#[test]
fn a_pattern_that_goes_back_and_forth_takes_no_time() {
    let pattern = format!("{}b", "*a".repeat(2000));
    let region = "a".repeat(4000);
    let list = format!(r#""RegionSet":[{{"Region":"{region}","RegionName":"","RegionState":"AVAILABLE"}}],"#);
    let asked = run(of(&[&pattern]).start(&config(), 1), |_, _| ok(&list));
    assert_eq!(asked.output.unwrap_err().kind(), ErrorKind::Parameter);
}

#[test]
fn a_cancel_ends_the_question_also_while_it_waits() {
    let cancel = Cancel::new();
    let mut asking = of(&["all"]).cancel_with(&cancel).start(&config(), 1);
    let at = |millis: u64| Now::new(UNIX, Duration::from_millis(1_000_000 + millis));
    let Step::Send(request) = asking.poll(at(0)) else { panic!("it begins with a request") };
    assert_eq!(request.cancel().unwrap().1, Duration::ZERO, "a read is given up at once");
    asking.reply(at(10), not_sent());
    let Step::WaitUntil(until) = asking.poll(at(10)) else { panic!("it is tried again later") };
    assert!(until <= at(210).mono, "it looks whether somebody has asked");
    cancel.cancel();
    let Step::Done(Err(error)) = asking.poll(at(20)) else { panic!("it ends") };
    assert!(error.to_string().contains("cancelled"), "{error}");
}
