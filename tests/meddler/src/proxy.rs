//! The endpoint that clients are led to: passes requests on, and answers back, as far as its rules let it.

use std::io::{self, BufReader, Read};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::exchange::{Exchange, Received};
use crate::hide::{self, Hide};
use crate::history::History;
use crate::http::Message;
use crate::rule::{OnAnswer, OnRequest, Rule};

/// How long the endpoint may take for an answer.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);

/// A plain HTTP endpoint on a free port of 127.0.0.1 that stands before another one. It ends when it is dropped.
pub struct Meddler {
    shared: Arc<Shared>,
    address: SocketAddr,
}

struct Shared {
    begun: Instant,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    target: Option<SocketAddr>,
    rules: Vec<(u64, Rule)>,
    hidden: Vec<(u64, Duration, Hide)>,
    last_id: u64,
    random: fastrand::Rng,
    exchanges: Vec<Exchange>,
    history: History,
    /// Held requests with lower numbers may go.
    released: usize,
    /// Exchanges that are still to be delivered or answered.
    busy: usize,
    connections: Vec<TcpStream>,
    stopped: bool,
}

impl Meddler {
    /// Starts one before an endpoint such as `http://127.0.0.1:8080`. `seed` feeds the probabilities of its rules.
    pub fn start(endpoint: &str, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            begun: Instant::now(),
            state: Mutex::new(State {
                target: Some(address_of(endpoint)),
                rules: Vec::new(),
                hidden: Vec::new(),
                last_id: 0,
                random: fastrand::Rng::with_seed(seed),
                exchanges: Vec::new(),
                history: History::default(),
                released: 0,
                busy: 0,
                connections: Vec::new(),
                stopped: false,
            }),
            changed: Condvar::new(),
        });
        thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.accept(&listener)
        });
        Self { shared, address }
    }

    /// Where clients are to go: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How long it has been running: what all times count in.
    pub fn now(&self) -> Duration {
        self.shared.begun.elapsed()
    }

    /// Leads requests to another endpoint from now on. Without one, none is delivered, and each connection is closed.
    pub fn lead_to(&self, endpoint: Option<&str>) {
        self.shared.state().target = endpoint.map(address_of);
    }

    /// Adds a rule behind those that are there; returns the id to remove it by.
    pub fn add(&self, rule: Rule) -> u64 {
        let mut state = self.shared.state();
        let id = state.new_id();
        state.rules.push((id, rule));
        id
    }

    /// Hides images from now on; returns the id to remove this by.
    pub fn hide(&self, hide: Hide) -> u64 {
        let now = self.now();
        let mut state = self.shared.state();
        let id = state.new_id();
        state.hidden.push((id, now, hide));
        id
    }

    /// Removes a rule, or shows what was hidden; returns whether there was something with this id.
    pub fn remove(&self, id: u64) -> bool {
        let mut state = self.shared.state();
        let before = state.rules.len() + state.hidden.len();
        state.rules.retain(|(known, _)| *known != id);
        state.hidden.retain(|(known, ..)| *known != id);
        state.rules.len() + state.hidden.len() < before
    }

    /// Removes all rules, and shows everything.
    pub fn clear(&self) {
        let mut state = self.shared.state();
        state.rules.clear();
        state.hidden.clear();
    }

    /// Passes on the requests that are held at this moment.
    pub fn release(&self) {
        let mut state = self.shared.state();
        state.released = state.exchanges.len();
        self.shared.changed.notify_all();
    }

    /// Everything that has passed so far, in the order of arrival.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.state().exchanges.clone()
    }

    /// What is known of images so far.
    pub fn history(&self) -> History {
        self.shared.state().history.clone()
    }

    /// Records what a look past it has found: all images of a region, by a look that began at `since`. What is found
    /// before anything has passed was there from the start.
    pub fn saw(&self, region: &str, images: &[Value], since: Duration) {
        let now = self.now();
        let mut state = self.shared.state();
        let (since, now) = if state.exchanges.is_empty() { Default::default() } else { (since, now) };
        state.history.look(region, images, since, now);
    }

    /// Records that an image was deleted past the meddler just now.
    pub fn vanished(&self, id: &str) {
        let now = self.now();
        self.shared.state().history.left(id, now, false);
    }

    /// Waits until an exchange is as wanted, for so long at most; `None` if none ever was.
    pub fn wait_for(&self, limit: Duration, mut wanted: impl FnMut(&Exchange) -> bool) -> Option<Exchange> {
        let mut found = None;
        self.shared.wait(limit, |state| {
            found = state.exchanges.iter().find(|exchange| wanted(exchange)).cloned();
            found.is_some()
        });
        found
    }

    /// Waits until nothing is on its way any more, for so long at most. Requests that are held are on their way; what a
    /// rule lets hang is not.
    pub fn wait_until_idle(&self, limit: Duration) -> bool {
        self.shared.wait(limit, |state| state.busy == 0)
    }
}

impl Drop for Meddler {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.stopped = true;
        for connection in state.connections.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
        drop(state);
        self.shared.changed.notify_all();
        // Wakes the acceptor.
        let _ = TcpStream::connect(self.address);
    }
}

fn address_of(endpoint: &str) -> SocketAddr {
    let place = endpoint.trim_start_matches("http://").trim_end_matches('/');
    place.to_socket_addrs().ok().and_then(|mut found| found.next()).unwrap_or_else(|| {
        panic!("`{endpoint}` is no endpoint: name one such as http://127.0.0.1:8080");
    })
}

/// Whether a client that waits for an answer is not there any more.
fn has_hung_up(client: &TcpStream) -> io::Result<bool> {
    client.set_nonblocking(true)?;
    let peeked = client.peek(&mut [0]);
    client.set_nonblocking(false)?;
    match peeked {
        Ok(read) => Ok(read == 0),
        Err(error) => Ok(error.kind() != io::ErrorKind::WouldBlock),
    }
}

impl State {
    fn new_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Waits until the state is as wanted, or for so long; says which.
    fn wait(&self, limit: Duration, mut wanted: impl FnMut(&State) -> bool) -> bool {
        let outcome = self.changed.wait_timeout_while(self.state(), limit, |state| !wanted(state));
        !outcome.unwrap().1.timed_out()
    }

    /// Changes what is known of an exchange.
    fn note(&self, number: usize, change: impl FnOnce(&mut Exchange, Duration)) {
        let now = self.begun.elapsed();
        change(&mut self.state().exchanges[number], now);
        self.changed.notify_all();
    }

    /// Records what a client receives.
    fn record(&self, number: usize, received: Received) {
        self.note(number, |exchange, now| {
            (exchange.received, exchange.received_at) = (Some(received), Some(now));
        });
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            let mut state = self.state();
            if state.stopped {
                return;
            }
            // A client that goes away in the middle is no failure of ours.
            let Ok(client) = client else { continue };
            state.connections.retain(|connection| connection.peer_addr().is_ok());
            state.connections.extend(client.try_clone());
            drop(state);
            let shared = Arc::clone(self);
            thread::spawn(move || {
                let _ = shared.serve(&client);
                let _ = client.shutdown(Shutdown::Both);
            });
        }
    }

    /// Serves a connection until it ends.
    fn serve(&self, client: &TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        let mut reader = BufReader::new(client.try_clone()?);
        while let Some(request) = Message::read(&mut reader)? {
            let (number, rule) = self.arrive(&request);
            let goes_on = self.exchange(client, number, &request, &rule);
            self.state().busy -= 1;
            self.changed.notify_all();
            match goes_on {
                Ok(true) => {}
                Ok(false) if rule.answer == OnAnswer::Hang => {
                    // Until the client gives up.
                    let _ = reader.read(&mut [0]);
                    return Ok(());
                }
                Ok(false) => return Ok(()),
                Err(error) => {
                    self.record(number, Received::Nothing);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Takes a request down, and finds the rule for it.
    fn arrive(&self, request: &Message) -> (usize, Rule) {
        let arrived = self.begun.elapsed();
        let text = |name: &str| request.header(name).unwrap_or_default().to_owned();
        let (action, region) = (text("x-tc-action"), text("x-tc-region"));
        let body = serde_json::from_slice(&request.body).unwrap_or_default();
        let mut state = self.state();
        let State { rules, random, .. } = &mut *state;
        let rule = rules.iter_mut().map(|(_, rule)| rule);
        let rule =
            rule.filter_map(|rule| rule.goes_off((&action, &region), &body, random).then(|| rule.clone()));
        let rule = { rule }.next().unwrap_or_default();
        let number = state.exchanges.len();
        state.busy += 1;
        state.exchanges.push(Exchange {
            number,
            action,
            region,
            request: body,
            arrived,
            delivered: None,
            answered: None,
            answer: Value::Null,
            received: None,
            received_at: None,
        });
        drop(state);
        self.changed.notify_all();
        (number, rule)
    }

    /// Carries one exchange through; says whether the connection can be used on.
    fn exchange(
        &self,
        mut client: &TcpStream,
        number: usize,
        request: &Message,
        rule: &Rule,
    ) -> io::Result<bool> {
        let receives = |received: Received| self.record(number, received);
        if rule.answer == OnAnswer::Lose && rule.request != OnRequest::Pass {
            receives(Received::Nothing);
            client.shutdown(Shutdown::Both)?;
        }
        let answer = if self.may_go(number, rule.request) { self.deliver(number, request) } else { None };
        if let OnAnswer::Replace { status, content_type, body } = &rule.answer {
            receives(Received::Other(*status, serde_json::from_str(body).unwrap_or_default()));
            Message::response(*status, content_type, body.as_str()).write(&mut client, None)?;
            return Ok(true);
        }
        if matches!(rule.answer, OnAnswer::Lose | OnAnswer::Hang) {
            receives(Received::Nothing);
            return Ok(false);
        }
        let Some(mut answer) = answer else {
            receives(Received::Nothing);
            return Ok(false);
        };
        match rule.answer {
            OnAnswer::After(millis) => {
                self.wait(Duration::from_millis(millis), |state| state.stopped);
            }
            OnAnswer::Cut => {
                receives(Received::Part);
                answer.write_half(&mut client)?;
                return Ok(false);
            }
            OnAnswer::Halve => {
                receives(Received::Part);
                answer.body.truncate(answer.body.len() / 2);
                answer.write(&mut client, None)?;
                return Ok(true);
            }
            _ => {}
        }
        if has_hung_up(client)? {
            receives(Received::Nothing);
            return Ok(false);
        }
        let edited = self.edit(number, &rule.answer);
        if let Some(edited) = &edited {
            answer.body = edited.to_string().into_bytes();
        }
        // Recorded before it is written: a client that has read it may look here at once.
        receives(
            edited.map_or(Received::All, |body| Received::Other(answer.status().unwrap_or_default(), body)),
        );
        answer.write(&mut client, None)?;
        Ok(true)
    }

    /// Waits until a request may be passed on; says whether it may.
    fn may_go(&self, number: usize, fate: OnRequest) -> bool {
        match fate {
            OnRequest::Pass => true,
            OnRequest::After(millis) => !self.wait(Duration::from_millis(millis), |state| state.stopped),
            OnRequest::Hold => {
                let limit = Duration::from_secs(u64::from(u32::MAX));
                self.wait(limit, |state| state.stopped || state.released > number) && !self.state().stopped
            }
            OnRequest::Withhold => false,
        }
    }

    /// Passes a request on; the endpoint's answer, if it gives one.
    fn deliver(&self, number: usize, request: &Message) -> Option<Message> {
        let target = self.state().target?;
        let mut endpoint = TcpStream::connect(target).ok()?;
        // Once a byte is out, all may have arrived.
        self.note(number, |exchange, now| exchange.delivered = Some(now));
        let answer = (|| {
            endpoint.set_read_timeout(Some(GIVE_UP_AFTER)).ok()?;
            request.write(&mut endpoint, Some("close")).ok()?;
            Message::read(&mut BufReader::new(endpoint)).ok()?
        })();
        let now = self.begun.elapsed();
        let mut state = self.state();
        let State { exchanges, history, .. } = &mut *state;
        let exchange = &mut exchanges[number];
        if let Some(answer) = &answer {
            exchange.answered = Some(now);
            exchange.answer = serde_json::from_slice(&answer.body).unwrap_or_default();
        }
        history.take(exchange);
        drop(state);
        self.changed.notify_all();
        answer
    }

    /// The answer as the client is to see it, if that is another one.
    fn edit(&self, number: usize, rule: &OnAnswer) -> Option<Value> {
        let now = self.begun.elapsed();
        let state = self.state();
        let exchange = &state.exchanges[number];
        let mut answer = exchange.answer.clone();
        let mut edited = false;
        if *rule == OnAnswer::OmitIds
            && let Some(copies) = answer.pointer_mut("/Response/ImageSet")
        {
            *copies = Value::Null;
            edited = true;
        }
        if exchange.action == "DescribeImages" {
            edited |= hide::filter(&mut answer, &exchange.region, &state.hidden, &state.history, now);
        }
        edited.then_some(answer)
    }
}
