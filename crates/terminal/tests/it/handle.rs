//! The thread that owns a terminal.

use stempel_sync::{SyncError, Transport};
use stempel_terminal::exchange::exchange;
use stempel_terminal::handle::{Closed, Handle};
use stempel_wire::message::{BlanksAnswer, EnrollAnswer, EnrollRequest, FeedPage, PushAnswer};

use crate::server::*;
use crate::support::*;

#[test]
fn pieces_of_work_are_done_one_after_the_other() {
    let (dir, clock) = (folder(), Hand::noon());
    let mut till = alone_in(dir.path(), &clock);
    let code = till.add_member(None, &None, None).unwrap().token.to_string();
    let (handle, thread) = Handle::start(till).unwrap();
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (handle, code) = (handle.clone(), code.clone());
            std::thread::spawn(move || {
                for _ in 0..10 {
                    let code = code.clone();
                    handle.call(move |till| stamp(till, &code, 1)).unwrap();
                }
            })
        })
        .collect();
    callers.into_iter().for_each(|caller| caller.join().unwrap());
    let left = code.clone();
    handle.send(move |till| drop(stamp(till, &left, 1))).unwrap();
    assert_eq!(
        handle.call(move |till| coffees(till, &code)).unwrap(),
        41,
        "what was left to be done is done before"
    );
    drop(handle);
    thread.join().unwrap();
    reopened(dir.path(), &clock).verify_journal().unwrap();
}

#[test]
fn whoever_asks_a_thread_that_has_ended_is_told() {
    let (dir, clock) = (folder(), Hand::noon());
    let (handle, thread) = Handle::start(alone_in(dir.path(), &clock)).unwrap();
    assert_eq!(handle.call(|_| -> u8 { panic!("a fault of this piece of work") }), Err(Closed));
    assert!(thread.join().is_err());
    assert_eq!(handle.call(|till| head(till)), Err(Closed));
    assert_eq!(handle.send(|_| ()), Err(Closed));
    assert!(reopened(dir.path(), &clock).verify_journal().is_ok(), "the lock is free, the folder whole");
}

/// A transport that runs something before each question to the feed.
struct Meanwhile<F: FnMut()>(Wire, F);

impl<F: FnMut()> Transport for Meanwhile<F> {
    fn enroll(&mut self, request: &EnrollRequest) -> Result<EnrollAnswer, SyncError> {
        self.0.enroll(request)
    }

    fn push(&mut self, body: Vec<u8>) -> Result<PushAnswer, SyncError> {
        (self.1)();
        self.0.push(body)
    }

    fn feed(&mut self, after: u64, limit: usize, wait_ms: u64) -> Result<FeedPage, SyncError> {
        (self.1)();
        self.0.feed(after, limit, wait_ms)
    }

    fn blanks(&mut self) -> Result<BlanksAnswer, SyncError> {
        self.0.blanks()
    }

    fn skew_ms(&self) -> Option<i64> {
        self.0.skew_ms()
    }
}

#[test]
fn the_counter_goes_on_while_the_network_is_slow() {
    let (dir, clock, server) = (folder(), Hand::noon(), server());
    let (till, wire) = device_in(dir.path(), &clock, &server);
    let (handle, thread) = Handle::start(till).unwrap();
    let (counter, code) = (handle.clone(), printed(1));
    // A guest at every question, while the answer is on its way.
    let guest = move || {
        let code = code.clone();
        counter.call(move |till| stamp(till, &code, 1)).unwrap();
    };
    let mut transport = Meanwhile(wire, guest);
    exchange(&mut handle.clone(), &mut transport).unwrap();
    let Meanwhile(mut wire, guest) = transport;
    let report = exchange(&mut handle.clone(), &mut wire).unwrap();
    assert_eq!(report.pending, 0);
    let (shown, rows, member) = handle
        .call(|till| (coffees(till, &printed(1)), head(till), till.who(&printed(1)).unwrap().member()))
        .unwrap();
    assert_eq!(rows - 2, shown as u64, "one row for each stamp, one for the card, one for the beginning");
    let counted = server.lock().unwrap().member_state(member);
    assert_eq!(
        counted.purses[&"stamp:coffee".parse().unwrap()].balance("2026-06-02".parse().unwrap()),
        shown
    );
    drop((handle, guest));
    thread.join().unwrap();
}

#[test]
fn a_transport_that_dies_in_mid_exchange_leaves_queue_and_counter_as_they_are() {
    for place in 0..3 {
        let (dir, clock, server) = (folder(), Hand::noon(), server());
        let (mut till, mut wire) = device_in(dir.path(), &clock, &server);
        stamp(&mut till, &printed(1), 2);
        let (handle, thread) = Handle::start(till).unwrap();
        wire.script = std::iter::repeat_n(Fault::None, place).chain([Fault::Dies]).collect();
        let mut local = handle.clone();
        let syncing = std::thread::spawn(move || exchange(&mut local, &mut wire));
        assert!(syncing.join().is_err(), "at question {place}");
        let device = handle
            .call(|till| {
                assert_eq!(coffees(till, &printed(1)), 2);
                stamp(till, &printed(1), 1);
                till.identity().device
            })
            .unwrap();
        let report = exchange(&mut handle.clone(), &mut Wire::new(&server, device)).unwrap();
        assert_eq!((report.pending, report.quarantined), (0, false));
        assert_eq!(handle.call(|till| coffees(till, &printed(1))).unwrap(), 3);
        assert_eq!(handle.call(|till| head(till)).unwrap(), server.lock().unwrap().held(device));
        drop(handle);
        thread.join().unwrap();
    }
}
