//! Every scenario through every shell.

mod by_hand {
    cvm_scenarios::scenarios!(every, cvm_scenarios::shell::ByHand);
}

mod reqwest {
    cvm_scenarios::scenarios!(every, cvm_scenarios::shell::Reqwest);

    mod client {
        cvm_scenarios::scenarios!(clients, cvm_scenarios::shell::Reqwest);
    }

    mod futures;
}

mod ureq {
    cvm_scenarios::scenarios!(every, cvm_ureq::Client);

    mod client {
        cvm_scenarios::scenarios!(clients, cvm_ureq::Client);
    }
}
