//! Every scenario through every shell.

mod by_hand {
    cvm_conformance::scenarios!(every, cvm_conformance::shell::ByHand);
}

mod reqwest {
    cvm_conformance::scenarios!(every, cvm_conformance::shell::Reqwest);

    mod client {
        cvm_conformance::scenarios!(clients, cvm_conformance::shell::Reqwest);
    }

    mod futures;
}

mod ureq {
    cvm_conformance::scenarios!(every, cvm_ureq::Client);

    mod client {
        cvm_conformance::scenarios!(clients, cvm_ureq::Client);
    }
}
