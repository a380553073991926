//! A job that was killed after its copies were accepted and before it heard of them, started again by whoever and
//! however: no second copy is made, and every report is true.
//!
//! The copies stay out of sight for longer than any of them searches for what was lost: what holds off a second one is
//! its name alone.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use cvm_local::SeedImage;
use cvm_meddler::Hide;
use cvm_meddler::oracle::{Asked, End, Run};

use crate::flight::{Blow, Flight, Landing, Moment, fly};
use crate::stage::{SOURCES, Stage};
use crate::starter::{JobFile, Start, Starter, python};

/// What is another way when the job is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Nothing,
    OtherOrder,
    OneMoreRegion,
    OneMoreRegionElsewhere,
    OtherJournal,
    NoJournal,
    RotatedKey,
    TwoAtOnce,
    TwoAtOnceElsewhere,
}

/// What is in the way when the job begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InTheWay {
    Nothing,
    /// A copy under the name that has failed.
    FailedCopy,
    /// The same, and the second run is to delete it.
    FailedCopyToDelete,
}

use Change::{
    NoJournal, Nothing, OneMoreRegion, OneMoreRegionElsewhere, OtherJournal, OtherOrder, RotatedKey,
    TwoAtOnce, TwoAtOnceElsewhere,
};
use InTheWay::{FailedCopy, FailedCopyToDelete};
use Starter::{AsyncPython, Command, Python, Resume, Rust};

const FREE: InTheWay = InTheWay::Nothing;

/// Who starts it, who starts it again, and what is another way.
const PAIRS: [(Starter, Starter, Change, InTheWay); 24] = [
    (Command, Command, Nothing, FREE),
    (Command, Resume, Nothing, FREE),
    (Command, Command, OtherOrder, FREE),
    (Command, Command, OneMoreRegion, FREE),
    (Command, Command, OneMoreRegionElsewhere, FREE),
    (Command, Command, OtherJournal, FailedCopy),
    (Command, Command, NoJournal, FREE),
    (Command, Command, RotatedKey, FREE),
    (Command, Command, TwoAtOnce, FREE),
    (Command, Command, TwoAtOnceElsewhere, FREE),
    (Command, Command, NoJournal, FailedCopyToDelete),
    (Command, Python, Nothing, FREE),
    (Rust, Rust, OtherOrder, FREE),
    (Rust, Command, OneMoreRegionElsewhere, FREE),
    (Rust, Rust, NoJournal, FailedCopyToDelete),
    (Command, Rust, RotatedKey, FREE),
    (Python, Python, OtherOrder, FREE),
    (Python, Python, NoJournal, FREE),
    (Python, Command, OtherJournal, FREE),
    (Python, AsyncPython, TwoAtOnceElsewhere, FREE),
    (AsyncPython, AsyncPython, Nothing, FailedCopy),
    (AsyncPython, Python, RotatedKey, FREE),
    (AsyncPython, Resume, Nothing, FREE),
    (AsyncPython, AsyncPython, NoJournal, FREE),
];

/// How many pairs are tried at a time: mostly they wait.
const AT_ONCE: usize = 6;

const REGIONS: [&str; 2] = ["ap-guangzhou", "ap-beijing"];
const ONE_MORE: &str = "ap-tokyo";
/// For so long nobody sees a new copy.
const OUT_OF_SIGHT: Duration = Duration::from_secs(3);

#[test]
fn whoever_starts_a_job_again_makes_no_second_copy() {
    let next = AtomicUsize::new(0);
    let bad = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(pair) = PAIRS.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let of_python = |starter| matches!(starter, Python | AsyncPython);
                    if python().is_none() && (of_python(pair.0) || of_python(pair.1)) {
                        continue;
                    }
                    let findings = try_pair(*pair);
                    if !findings.is_empty() {
                        bad.lock().unwrap().push(format!("{pair:?}:\n{}", findings.join("\n")));
                    }
                }
            });
        }
    });
    let bad = bad.into_inner().unwrap();
    assert!(bad.is_empty(), "{} of {} pairs:\n{}", bad.len(), PAIRS.len(), bad.join("\n\n"));
}

/// What is not as it should be about a pair.
fn try_pair((first, second, change, in_the_way): (Starter, Starter, Change, InTheWay)) -> Vec<String> {
    let mut standing = Vec::new();
    if in_the_way != FREE {
        let failed = SeedImage::new("img-standing", REGIONS[0], SOURCES[0].1);
        standing.push(SeedImage { state: "CREATEFAILED".into(), ..failed });
    }
    let name = format!("again-{first:?}-{second:?}-{change:?}-{in_the_way:?}").to_lowercase();
    let stage = Stage::new(&name, 0, standing, Vec::new());
    for region in REGIONS {
        stage.meddler.hide(Hide::new_in(region).for_time(OUT_OF_SIGHT));
    }
    let begun = Start {
        starter: first,
        asked: Asked {
            images: vec![SOURCES[0].0.into()],
            regions: REGIONS.map(Into::into).into(),
            ..Asked::default()
        },
        file: JobFile::Journal(stage.folder.0.join("job.json")),
        key: 0,
        settle: Duration::from_millis(500),
        timeout: Duration::from_secs(30),
    };
    let killed = Flight { start: begun.clone(), blow: Some((Blow::Kill, Moment::CarriedOut("SyncImages"))) };
    let mut landings = fly(&stage, &[killed]);
    let again = again(&stage, &begun, second, change, in_the_way);
    let flights: Vec<Flight> = again.into_iter().map(|start| Flight { start, blow: None }).collect();
    landings.extend(fly(&stage, &flights));
    stage.settle();

    let runs: Vec<Run> = landings.iter().map(|landing| landing.run.clone()).collect();
    let mut findings = stage.judge(&runs);
    if !landings[0].was_hit {
        findings.push("the first run was not hit".into());
    }
    if change != OneMoreRegion && in_the_way != FailedCopy {
        findings.extend(stage.missing(&flights[0].start.asked));
    }
    let ends: Vec<Option<i32>> = landings[1..].iter().map(|landing| landing.ran.code).collect();
    if let Err(why) = expected(change, in_the_way, &landings[1..]) {
        findings.push(format!("{why}: {ends:?}"));
    }
    if !findings.is_empty() {
        findings.extend(landings.iter().map(|landing| format!("{}{}", landing.ran.out, landing.ran.err)));
        findings.extend(stage.meddler.exchanges().iter().map(ToString::to_string));
    }
    findings
}

/// The runs that start the job again.
fn again(stage: &Stage, begun: &Start, starter: Starter, change: Change, in_the_way: InTheWay) -> Vec<Start> {
    let mut start = Start { starter, ..begun.clone() };
    start.asked.deletes_failed = in_the_way == FailedCopyToDelete;
    let elsewhere = |name: &str| match change {
        OtherJournal | OneMoreRegionElsewhere => JobFile::Journal(stage.folder.0.join(name)),
        _ => JobFile::Default(stage.folder.0.join(name)),
    };
    match change {
        Nothing | TwoAtOnce => {}
        OtherOrder => start.asked.regions.reverse(),
        OneMoreRegion => {
            start.asked.regions.push(ONE_MORE.into());
            start.asked.may_be_refused = true;
        }
        OneMoreRegionElsewhere => {
            start.asked.regions.push(ONE_MORE.into());
            start.file = elsewhere("other.json");
        }
        OtherJournal => start.file = elsewhere("other.json"),
        NoJournal | TwoAtOnceElsewhere => start.file = elsewhere("other"),
        RotatedKey => start.key = 1,
    }
    match change {
        TwoAtOnce => {
            start.asked.may_be_locked = true;
            vec![start.clone(), start]
        }
        TwoAtOnceElsewhere => {
            let other = Start { file: elsewhere("another"), ..start.clone() };
            vec![start, other]
        }
        _ => vec![start],
    }
}

/// Whether the runs ended as the rules have it.
fn expected(change: Change, in_the_way: InTheWay, landings: &[Landing]) -> Result<(), String> {
    let outcomes = |landing: &Landing| -> Vec<String> {
        let End::Report(_, report) = &landing.run.end else { return Vec::new() };
        let lines = report["destinations"].as_array().unwrap();
        lines.iter().map(|line| line["outcome"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let ended = |landing: &Landing, code: i32| landing.ran.code == Some(code);
    let locked =
        |landing: &Landing| matches!(&landing.run.end, End::Error(1, error) if error["kind"] == "journal");
    match (change, in_the_way) {
        (OneMoreRegion, _) => match &landings[0].run.end {
            End::Error(2, error) if error.to_string().contains(ONE_MORE) => Ok(()),
            _ => Err("another job in the journal is to be refused, by what differs".into()),
        },
        (_, FailedCopy) => {
            let outcomes = outcomes(&landings[0]);
            if ended(&landings[0], 3) && outcomes.iter().filter(|outcome| *outcome == "conflict").count() == 1
            {
                Ok(())
            } else {
                Err(format!("the failed copy is to be a conflict, the rest a success: {outcomes:?}"))
            }
        }
        (TwoAtOnce, _) if landings.iter().any(locked) && landings.iter().any(|landing| ended(landing, 0)) => {
            Ok(())
        }
        (TwoAtOnce, _) => Err("one is to have the journal, and the other to be told so".into()),
        _ if landings.iter().all(|landing| ended(landing, 0)) => Ok(()),
        _ => Err("everything is to be there".into()),
    }
}
