//! Sync jobs hit at random moments, in bad weather, and started again by whoever comes along: none is doubled, none is
//! lost, and every report is true.
//!
//! `CVM_CHAOS_KILLS` and `CVM_CHAOS_JOBS` say how much of it; `cargo xtask chaos` asks for a lot. All choices are drawn
//! from `CVM_CHAOS_SEED`, which is printed. A job with findings leaves its whole story in a file that is named;
//! `CVM_CHAOS_FIRST` begins with that job. `CVM_CHAOS_MIX=same` leaves all starters out but the command as it was.

mod job;
mod plan;

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use plan::Mix;

/// How many jobs run at a time: mostly they wait.
const AT_ONCE: usize = 8;
/// So many jobs with findings are enough.
const BAD_JOBS: usize = 20;

/// A number from the environment.
fn number(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// What all jobs came to.
#[derive(Default)]
struct Total {
    jobs: usize,
    runs: usize,
    last_words: Duration,
    findings: Vec<String>,
}

#[test]
fn a_job_that_is_hit_at_random_moments_makes_every_copy_once_and_says_the_truth() {
    let (kills, jobs) = (number("CVM_CHAOS_KILLS", 30), number("CVM_CHAOS_JOBS", 6));
    let seed = number("CVM_CHAOS_SEED", fastrand::usize(..1_000_000));
    let first = number("CVM_CHAOS_FIRST", 0);
    let same = std::env::var("CVM_CHAOS_MIX").is_ok_and(|mix| mix == "same");
    let mix = if same { Mix::Same } else { Mix::All };
    println!("CVM_CHAOS_SEED={seed}: {kills} kills, {jobs} jobs at least");
    let begun = Instant::now();
    let next = AtomicUsize::new(first);
    let landed = AtomicUsize::new(0);
    let total = Mutex::new(Total::default());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(jobs) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let enough = landed.load(Ordering::SeqCst) >= kills && number >= first + jobs;
                    if enough || total.lock().unwrap().findings.len() >= BAD_JOBS {
                        return;
                    }
                    one((seed, number), mix, &landed, &total);
                }
            });
        }
    });
    let total = total.into_inner().unwrap();
    println!(
        "{} kills in {} jobs and {} runs, {:.0} s; {:.1} s from a signal to the end at most",
        landed.into_inner(),
        total.jobs,
        total.runs,
        begun.elapsed().as_secs_f64(),
        total.last_words.as_secs_f64()
    );
    assert!(total.findings.is_empty(), "CVM_CHAOS_SEED={seed}:\n{}", total.findings.join("\n"));
}

/// Carries out one job. `landed` counts blows as they fall.
fn one((seed, number): (usize, usize), mix: Mix, landed: &AtomicUsize, total: &Mutex<Total>) {
    let name = format!("chaos-{number}");
    // The numbers of one job tell nothing of those of the next.
    let own = fastrand::Rng::with_seed(seed as u64 ^ (number as u64) << 32).u64(..);
    let account = job::carry_out(&name, own, mix, landed);
    let mut total = total.lock().unwrap();
    total.jobs += 1;
    total.runs += account.runs;
    total.last_words = total.last_words.max(account.last_words);
    if account.findings.is_empty() {
        return;
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("chaos-{seed}-{number}.log"));
    std::fs::write(&path, format!("{}\n{}", account.findings.join("\n"), account.log)).unwrap();
    let mut findings = account.findings;
    findings.dedup();
    total.findings.push(format!("job {number} ({}):\n  {}", path.display(), findings.join("\n  ")));
}
