//! A job that is cancelled while one of its exchanges hangs.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cvm_proto::api::DescribeRegions;
use cvm_proto::{Cancel, ImageSync, Outcome, SyncProgress, SyncReport};

use crate::server::{Act, EMPTY, Received, Server, response};
use crate::{Shell, certificates, settings};

/// Longer than any cancel may take, with time to spare for a busy machine, and shorter than the 30 s that an exchange has.
const LIMIT: Duration = Duration::from_secs(15);

const SOURCE: &str = r#"{"Response":{"ImageSet":[{"ImageId":"img-o3ycss2p","ImageName":"base","ImageState":"NORMAL",
    "ImageType":"PRIVATE_IMAGE","ImageSize":50,"OsName":"Ubuntu","Architecture":"x86_64",
    "CreatedTime":"2019-01-01T00:00:00Z"}],"TotalCount":1,"RequestId":"r-source"}}"#;

const ACCEPTED: &str = r#"{"Response":{"ImageSet":[{"ImageId":"img-b9avy0x2","Region":"ap-guangzhou"}],
    "RequestId":"r-accepted"}}"#;

/// What a service with one image answers, up to the request for copies.
fn serve(request: &Received) -> &'static str {
    match (request.header("x-tc-action"), request.header("x-tc-region")) {
        (Some("DescribeImages"), Some("ap-shanghai")) => SOURCE,
        (Some("DescribeImageQuota"), _) => r#"{"Response":{"ImageNumQuota":500,"RequestId":"r-quota"}}"#,
        _ => EMPTY,
    }
}

fn is_write(request: &Received) -> bool {
    request.header("x-tc-action") == Some("SyncImages")
}

fn job(cancel: &Cancel) -> ImageSync {
    ImageSync::new("img-o3ycss2p").to(["ap-guangzhou"]).cancel_with(cancel)
}

fn run<S: Shell>(server: &Server, cancel: &Cancel) -> (SyncReport, Duration) {
    let client = S::from_settings(settings(&server.endpoint())).unwrap();
    let began = Instant::now();
    let report = client.run(job(cancel), |_| ()).unwrap();
    (report, began.elapsed())
}

/// A request that only reads is given up, and its connection with it.
pub fn hanging_read_ends_with_the_cancel<S: Shell>() {
    let cancel = Cancel::new();
    let server = Server::start({
        let cancel = cancel.clone();
        move |_, _| {
            cancel.cancel();
            Act::Stall(Vec::new())
        }
    });
    let (report, took) = run::<S>(&server, &cancel);
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert_eq!(report.destinations[0].outcome, Outcome::Cancelled, "{report:?}");
    server.wait_for_closed(1);
    assert_eq!(server.received().len(), 1, "nothing more is sent");
}

/// The same in the middle of an answer.
pub fn half_an_answer_ends_with_the_cancel<S: Shell>() {
    let cancel = Cancel::new();
    let server = Server::start({
        let cancel = cancel.clone();
        move |_, _| {
            cancel.cancel();
            let whole = response(200, "", SOURCE);
            Act::Stall(whole[..whole.len() / 2].to_vec())
        }
    });
    let (report, took) = run::<S>(&server, &cancel);
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert_eq!(report.destinations[0].outcome, Outcome::Cancelled, "{report:?}");
}

/// A request that writes has some seconds for its answer. Without one it counts as sent, and is looked for once.
pub fn hanging_write_ends_after_its_grace<S: Shell>() {
    for looks_hang in [false, true] {
        let cancel = Cancel::new();
        let server = Server::start({
            let cancel = cancel.clone();
            move |_, request| {
                if is_write(request) {
                    cancel.cancel();
                }
                let hangs = is_write(request) || (looks_hang && cancel.is_cancelled());
                if hangs { Act::Stall(Vec::new()) } else { Act::ok(serve(request)) }
            }
        });
        let (report, took) = run::<S>(&server, &cancel);
        assert!(took > Duration::from_secs(4), "{took:?}");
        assert!(took < LIMIT, "{took:?}");
        assert_eq!(report.destinations[0].outcome, Outcome::Unknown, "{report:?}");
        let received = server.received();
        assert_eq!(received.iter().filter(|request| is_write(request)).count(), 1);
        let last = received.last().unwrap();
        assert_eq!(
            (last.header("x-tc-action"), last.header("x-tc-region")),
            (Some("DescribeImages"), Some("ap-guangzhou")),
            "the last look"
        );
    }
}

/// An answer that comes within the grace is heard.
pub fn late_answer_to_a_write_is_heard<S: Shell>() {
    let cancel = Cancel::new();
    let server = Server::start({
        let cancel = cancel.clone();
        move |_, request| {
            if !is_write(request) {
                return Act::ok(serve(request));
            }
            cancel.cancel();
            // Longer than it takes any shell to notice the cancel.
            thread::sleep(Duration::from_millis(500));
            Act::ok(ACCEPTED)
        }
    });
    let (report, took) = run::<S>(&server, &cancel);
    assert!(took < LIMIT, "{took:?}");
    let destination = &report.destinations[0];
    assert_eq!(destination.outcome, Outcome::Started, "{report:?}");
    assert_eq!(destination.image_id.as_deref(), Some("img-b9avy0x2"));
}

/// A request whose connection never came about was not sent, and needs no look.
pub fn write_without_a_connection_was_not_sent<S: Shell>() {
    let cancel = Cancel::new();
    let (config, authority) = certificates::server();
    // Each request has a connection of its own.
    let close = "connection: close\r\n";
    let server =
        Server::start_tls(config, move |_, request| Act::Close(response(200, close, serve(request))));
    let gate = Gate::start(&server, &cancel);
    let mut settings = settings(&gate.endpoint());
    settings.ca_pem = Some(authority.into());
    let client = S::from_settings(settings).unwrap();
    let began = Instant::now();
    let report = client.run(job(&cancel), |event| {
        let answered = |request: &Received| request.header("x-tc-action") == Some("DescribeImageQuota");
        // All is known, and the intent to copy is written down: what comes next is the request for it.
        if matches!(event, SyncProgress::Checkpoint) && server.received().iter().any(answered) {
            gate.close();
        }
    });
    let (report, took) = (report.unwrap(), began.elapsed());
    assert!(took < LIMIT, "{took:?}");
    assert_eq!(report.destinations[0].outcome, Outcome::Cancelled, "{report:?}");
    assert!(!server.received().iter().any(is_write));
}

/// Leads connections to a server until it is closed; then it holds them, and cancels.
struct Gate {
    endpoint: String,
    closed: Arc<AtomicBool>,
}

impl Gate {
    fn start(server: &Server, cancel: &Cancel) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("https://{}", listener.local_addr().unwrap());
        let target = server.endpoint().trim_start_matches("https://").to_owned();
        let closed = Arc::new(AtomicBool::new(false));
        thread::spawn({
            let (closed, cancel) = (Arc::clone(&closed), cancel.clone());
            let mut held = Vec::new();
            move || {
                for client in listener.incoming().map_while(Result::ok) {
                    if closed.load(Ordering::SeqCst) {
                        cancel.cancel();
                        held.push(client);
                        continue;
                    }
                    let target = target.clone();
                    thread::spawn(move || lead(&client, &TcpStream::connect(target)?));
                }
            }
        });
        Self { endpoint, closed }
    }

    fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }
}

fn lead(client: &TcpStream, server: &TcpStream) -> io::Result<()> {
    thread::scope(|scope| {
        let back = scope.spawn(|| {
            let copied = io::copy(&mut &*server, &mut &*client);
            client.shutdown(std::net::Shutdown::Both)?;
            copied
        });
        io::copy(&mut &*client, &mut &*server)?;
        server.shutdown(std::net::Shutdown::Write)?;
        back.join().expect("it does not panic").map(drop)
    })
}

/// What could be cancelled, and was not, leaves a connection that others use.
pub fn connection_outlives_a_job_that_could_be_cancelled<S: Shell>() {
    let server = Server::start(|_, _| Act::ok(EMPTY));
    let client = S::from_settings(settings(&server.endpoint())).unwrap();
    let cancel = Cancel::new();
    // There is no such image, which ends the job at once.
    server.wait_for_reuse(|| drop(client.run(job(&cancel), |_| ()).unwrap_err()));
    cancel.cancel();
    client.send(DescribeRegions::default()).expect("a cancel is for its job alone");
}
