//! What a network does, as the command says it: in the same sentence as every client.

use std::thread;

use cvm_scenarios::faults::{self, Fault};

use crate::command::{Ran, cvm};

#[test]
fn every_fault_of_the_network_is_said_as_the_clients_say_it() {
    let met = thread::scope(|scope| {
        let running: Vec<_> = faults::all().map(|fault| (fault.name, scope.spawn(|| meet(fault)))).collect();
        running.into_iter().map(|(name, met)| (name, met.join())).collect::<Vec<_>>()
    });
    let failed: Vec<_> = met.into_iter().filter(|(_, met)| met.is_err()).map(|(name, _)| name).collect();
    assert_eq!(failed, [""; 0]);
}

fn meet(fault: &Fault) {
    let folder = tempfile::tempdir().unwrap();
    let stage = fault.begin();
    let mut command = cvm(&["call", "DescribeImages"]);
    command.envs(stage.variables(folder.path()));
    let ran: Ran = command.output().unwrap().into();
    assert_eq!(ran.err, format!("cvm: {}\n", stage.sentence()), "{}", fault.name);
    assert_eq!(ran.out, "", "{}", fault.name);
    let is_late = stage.sentence().contains("no whole answer");
    assert_eq!(ran.code, Some(if is_late { 4 } else { 1 }), "{}", fault.name);
}
