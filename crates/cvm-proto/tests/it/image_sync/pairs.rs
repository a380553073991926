//! Whoever starts the job, is killed anywhere, and whoever starts it again: one copy in every region, or a reason.

use cvm_proto::{ErrorKind, ImageSync, Outcome, SyncReport};

use super::service::{Image, Service};
use super::world::{Ended, Kill, World, check_no_second_copy, check_truth};

const SOURCE: &str = "img-source01";
const NEAR: &str = "ap-guangzhou";
const FAR: &str = "ap-beijing";
const LEFT: &str = "img-left0001";

/// How it is started the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    Kept,
    /// Without a journal.
    Unkept,
}

/// How it is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    Same,
    OtherOrder,
    /// With one region more: refused at the same journal, and then with one of its own.
    OneMore,
    OtherJournal,
    Unkept,
    RotatedKey,
    /// Which sees nothing, and touches nothing; then once more by the right one.
    OtherAccount,
    /// By two at once: the same, and one with another journal.
    Together,
}

const AGAIN: [Again; 8] = [
    Again::Same,
    Again::OtherOrder,
    Again::OneMore,
    Again::OtherJournal,
    Again::Unkept,
    Again::RotatedKey,
    Again::OtherAccount,
    Again::Together,
];

/// Whether a copy that failed has the name in one region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Nothing,
    Failed,
    /// It is to be deleted.
    ToDelete,
}

const LEFT_THERE: [Left; 3] = [Left::Nothing, Left::Failed, Left::ToDelete];

#[derive(Clone, Copy, Debug)]
struct Pair {
    first: First,
    again: Again,
    left: Left,
    hidden_millis: u64,
}

impl Pair {
    fn job(self) -> ImageSync {
        ImageSync::new(SOURCE).to([NEAR, FAR]).delete_failed(self.left == Left::ToDelete)
    }

    fn world(self) -> World {
        let mut service = Service { hidden_millis: self.hidden_millis, ..Service::default() };
        service.accounts.insert("AKIDother", "2000");
        if self.left != Left::Nothing {
            let created = "2019-01-01T00:00:00Z".into();
            let left = Image { state: "CREATEFAILED", created, ..Image::new(LEFT, "base") };
            service = service.add(FAR, left);
        }
        World::new(service)
    }

    /// Whether the first was killed here; then all that comes after it is tried.
    fn is_killed(self, kill: Kill) -> bool {
        let mut world = self.world();
        if self.start(&mut world, self.first, kill).is_some() {
            return false;
        }
        world.unix += 1000;
        self.start_again(&mut world, kill);
        check_no_second_copy(&world);
        // Whatever was not known then is known an hour later.
        world.unix += 3_600_000;
        world.service.tick(world.unix);
        let report = self.start(&mut world, self.first, Kill::Never).unwrap();
        self.check(&report, &world, false, kill);
        let regions = [(NEAR, 1), (FAR, usize::from(self.left != Left::Failed))];
        for (region, number) in regions {
            assert_eq!(world.service.copies(SOURCE, region).len(), number, "{self:?}, {kill:?}: {region}");
        }
        true
    }

    fn start(self, world: &mut World, first: First, kill: Kill) -> Option<Ended> {
        match first {
            First::Kept => world.process(&self.job(), kill),
            First::Unkept => world.unkept(&self.job(), kill),
        }
    }

    fn start_again(self, world: &mut World, kill: Kill) {
        let may_be_hidden = self.hidden_millis > 300_000;
        let check = |world: &World, ended: &Ended| self.check(ended, world, may_be_hidden, kill);
        match self.again {
            Again::Same => {
                let ended = self.start(world, self.first, Kill::Never).unwrap();
                check(world, &ended);
            }
            Again::OtherOrder => {
                let job = ImageSync::new(SOURCE).to([FAR, NEAR]).delete_failed(self.left == Left::ToDelete);
                let ended = match self.first {
                    First::Kept => world.process(&job, Kill::Never),
                    First::Unkept => world.unkept(&job, Kill::Never),
                };
                check(world, &ended.unwrap());
            }
            Again::OneMore => self.start_with_one_more(world, kill),
            Again::OtherJournal => {
                let disk = world.disk.take();
                let ended = world.process(&self.job(), Kill::Never).unwrap();
                check(world, &ended);
                world.disk = disk;
            }
            Again::Unkept => {
                let ended = world.unkept(&self.job(), Kill::Never).unwrap();
                check(world, &ended);
            }
            Again::RotatedKey => {
                world.key = "AKIDrotated";
                let ended = self.start(world, self.first, Kill::Never).unwrap();
                check(world, &ended);
            }
            Again::OtherAccount => {
                self.start_elsewhere(world);
                let ended = self.start(world, self.first, Kill::Never).unwrap();
                check(world, &ended);
            }
            Again::Together => {
                let (Kill::Before(seed) | Kill::During(seed) | Kill::Holding(seed, _)) = kill else { return };
                let disk = world.disk.take().filter(|_| self.first == First::Kept);
                let one = world.start(&self.job(), disk).unwrap();
                let other = world.start(&self.job(), None).unwrap();
                let both = world.together(vec![one, other], seed as u64);
                for (ended, _) in &both {
                    check(world, ended);
                }
                world.disk = both.into_iter().next().unwrap().1.filter(|_| self.first == First::Kept);
            }
        }
    }

    fn start_with_one_more(self, world: &mut World, kill: Kill) {
        let job = self.job().to(["ap-tokyo"]);
        let (disk, asked) = (world.disk.clone(), world.service.log.len());
        if disk.is_some() && !world.state().is_finished() {
            let error = world.process(&job, Kill::Never).unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            let text = error.to_string();
            let names =
                "list of destinations (to) is ap-beijing,ap-guangzhou, not ap-beijing,ap-guangzhou,ap-tokyo";
            assert!(text.contains(names), "{text}");
            assert_eq!((&world.disk, world.service.log.len()), (&disk, asked), "nothing is touched");
        }
        world.disk = None;
        let ended = world.process(&job, Kill::Never).unwrap();
        self.check(&ended, world, self.hidden_millis > 300_000, kill);
        world.disk = disk;
    }

    /// By another account, to which nothing of this is visible.
    fn start_elsewhere(self, world: &mut World) {
        world.key = "AKIDother";
        let (disk, asked) = (world.disk.clone(), world.service.log.len());
        let error = self.start(world, self.first, Kill::Never).unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        assert_eq!(world.disk, disk, "nothing is written down");
        let looks = ["DescribeImages", "GetCallerIdentity"];
        let only_looks =
            world.service.log[asked..].iter().all(|(action, _)| looks.contains(&action.as_str()));
        assert!(only_looks, "{:?}", &world.service.log[asked..]);
        world.key = "AKIDexample";
    }

    /// One copy in every region, or the reason that the rules name.
    fn check(self, ended: &Ended, world: &World, may_be_unknown: bool, kill: Kill) {
        let report: &SyncReport = ended.as_ref().unwrap();
        check_truth(report, world);
        for of in &report.destinations {
            let is_as_it_should = match of.outcome {
                Outcome::Conflict => of.region == FAR && self.left == Left::Failed,
                Outcome::Copied | Outcome::Present => of.region != FAR || self.left != Left::Failed,
                Outcome::Unknown => may_be_unknown,
                _ => false,
            };
            assert!(is_as_it_should, "{self:?}, {kill:?}: {of:?}");
        }
    }
}

/// Where the first is killed: everywhere at the beginning, and now and then while it waits for what is hidden.
fn places(dense: usize) -> impl Iterator<Item = usize> {
    (1..dense).chain((dense..).step_by(dense))
}

/// Tries every pair with this first start and this time of hiding, killed at every step and at every request of the first.
fn all_pairs(hidden_seconds: u64, lefts: &[Left]) {
    for first in [First::Kept, First::Unkept] {
        for again in AGAIN {
            for &left in lefts {
                let pair = Pair { first, again, left, hidden_millis: hidden_seconds * 1000 };
                let steps = places(36).take_while(|&at| pair.is_killed(Kill::Before(at))).count();
                let requests = places(15).take_while(|&at| pair.is_killed(Kill::During(at))).count();
                assert!(steps > 20 && requests > 10, "{steps} steps, {requests} requests: {pair:?}");
            }
        }
    }
}

#[test]
fn copies_that_show_at_once() {
    all_pairs(0, &LEFT_THERE);
}

#[test]
fn copies_that_are_hidden_for_some_seconds() {
    all_pairs(8, &LEFT_THERE);
}

#[test]
fn copies_that_are_hidden_for_longer_than_a_request_settles() {
    all_pairs(200, &[Left::Nothing, Left::ToDelete]);
}

#[test]
fn copies_that_are_hidden_for_longer_than_anybody_searches() {
    all_pairs(400, &[Left::Nothing]);
}
